// Models in GGUF files: docs/gguf.md tells what is read and what becomes of it.
#pragma once

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// A file, or the first of several: model-00001-of-00003.gguf stands for all three. Options as in
// load_checkpoint. One warning tells which block types were rounded and what the weights take now. Throws as
// GgufFile::open, gguf_tokenizer and gguf_config; kInvalid for parts that do not belong together.
Checkpoint load_gguf(const std::filesystem::path& path, const CheckpointOptions& options = {});

// One file that is already there. Throws kUnsupported for a part of several.
Checkpoint parse_gguf(Buffer file, std::string where, bool stream = false);

// All parts of the model that `path` is, or is a part of, in their order.
std::vector<std::filesystem::path> gguf_parts(const std::filesystem::path& path);

}  // namespace swiftlet
