// Writing a checkpoint as a GGUF file that llama.cpp runs: the way back of gguf_checkpoint.h.
#pragma once

#include <filesystem>
#include <functional>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/gguf_writer.h"
#include "swiftlet/job.h"

namespace swiftlet {

// Weights keep their values where gguf_encode.h says so; a warning tells of those that do not, of weights
// that the format has no name for, and of what else it cannot say. `tokenizer` holds the keys of the
// tokenizer. `check` gets the path of the whole file before it appears under its name, and may throw. A few
// rows are in memory at a time, or one weight of those in Checkpoint::made_weights. `job` sees "convert".
// Throws kUnsupported for kinds of models that GGUF does not have here, listing those that it has; kIo.
void write_gguf(const std::filesystem::path& path, const Checkpoint& checkpoint,
                const GgufMetadata& tokenizer, const std::function<void(const std::filesystem::path&)>& check,
                const Job& job = {});

}  // namespace swiftlet
