// Samples: token sequences of calibration texts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/models/family.h"

namespace swiftlet {

struct CalibrationOptions {
  std::filesystem::path texts;      // may be gzip
  std::int64_t tokens = 64 * 1024;  // to take, at most
};

struct Samples {
  std::vector<std::vector<std::int32_t>> sequences;
  std::int64_t tokens = 0;
};

// Decoders: windows of a text as long as the model's context, at most 2048 tokens, spread evenly over the
// whole of it, without special tokens, as perplexity takes them. Encoders: the lines of a text, as they are
// embedded, spread evenly over all lines. Throws kInvalid when the text gives fewer than 256 tokens: so few
// say nothing about what a layer sees; kNotFound when the model has no tokenizer.
Samples read_samples(const Checkpoint& checkpoint, const models::BuiltModel& built,
                     const CalibrationOptions& options);

}  // namespace swiftlet
