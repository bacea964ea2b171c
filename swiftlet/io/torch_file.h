// State dicts that torch.save wrote (pytorch_model.bin, *.pt, *.pth): the zip archives of PyTorch 1.6 and
// later, and the single stream of pickles before that. Nothing in the file is executed (pickle.h); a call
// that does not make a tensor is refused by name.
//
// Layouts: torch/serialization.py, and torch/_utils.py for the arguments of _rebuild_tensor_v2.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "swiftlet/io/tensor_file.h"

namespace swiftlet {

// True when `bytes` begin as such a file does.
bool looks_like_torch(const Buffer& bytes);

// The tensors of a dict of names to tensors, or of the one under "state_dict", "model_state_dict", "model" or
// "module" of a training checkpoint. They share the mapping. Throws kInvalid or kUnsupported naming file and
// place, and as map_file.
TensorFile open_torch_file(const std::filesystem::path& path);
// The same for bytes that are already there; `where` names them in errors.
TensorFile parse_torch_file(const Buffer& bytes, const std::string& where);

}  // namespace swiftlet
