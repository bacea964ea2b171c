// Runs a model on reference sequences and compares the named tensors with a dump from transformers in
// float32.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/eval/reference_check.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {

inline std::filesystem::path source_dir() {
  return SWIFTLET_SOURCE_DIR;
}

// Relative L2 that float32 arithmetic in another order of summation explains, for models of a few layers.
constexpr double kTolerance = 5e-6;

struct GoldenCase {
  std::filesystem::path model, dump;
  const kernels::KernelTable* table = nullptr;
  int threads = 2;
};

// Runs all sequences of the dump in one ragged batch with every hidden state kept, fused and unfused, and
// checks every tensor that the dump has. Reports the first tensor that differs, with its worst element.
void check_against_dump(const GoldenCase& test);

std::vector<std::int32_t> ids_of(const SafetensorsFile& dump, const std::string& name);

}  // namespace swiftlet
