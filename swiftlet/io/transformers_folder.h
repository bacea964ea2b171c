// Writing a checkpoint as the folder that transformers and sentence-transformers load: config.json,
// generation_config.json, the tokenizer's files and model.safetensors with every weight as floats in rows.
#pragma once

#include <filesystem>
#include <optional>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/job.h"

namespace swiftlet {

// Encoded weights are decoded; floats keep their type unless `format` (kF32, kF16 or kBF16) is given. A few
// rows at a time are in memory, or one weight of those in Checkpoint::made_weights. `job` sees "convert",
// tensors done of all. Every file appears whole or not at all, once all are written; a process that is
// killed leaves the old model, the new one, or a folder without weights. Other files of the folder stay,
// unless a reader would take them for a part of this model: these throw kUsage. A tokenizer.bin of llama2.c
// is copied as it is: transformers cannot read it, Swiftlet can. REQUIRES: a tokenizer with bytes, which that
// of a GGUF file gets by compress/. Throws kIo, and kUnsupported for integer
// formats.
void write_transformers_folder(const std::filesystem::path& folder, const Checkpoint& checkpoint,
                               std::optional<Format> format = std::nullopt, const Job& job = {});

}  // namespace swiftlet
