#include "swiftlet/eval/reference_check.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kMostTokens = 16384;  // of a dump: all go through the model at once

struct Sequence {
  std::vector<std::int32_t> ids;
  std::int64_t begin = 0;  // its first row in the batch
};

std::vector<std::int32_t> ids_of(const SafetensorsFile& dump, const SafetensorsEntry& entry) {
  const std::string where = dump.where(entry.name);
  require(entry.shape.rank() == 1 && entry.shape.elements() > 0, where, "expected a list of tokens, is {}",
          entry.shape.to_string());
  const Tensor tensor = dump.tensor(entry);
  if (entry.dtype == DType::kI32)
    return {tensor.span<std::int32_t>().begin(), tensor.span<std::int32_t>().end()};
  require(entry.dtype == DType::kI64, where, "expected i32 or i64, is {}", dtype_name(entry.dtype));
  std::vector<std::int32_t> ids;
  for (const std::int64_t id : tensor.span<std::int64_t>()) {
    require(std::in_range<std::int32_t>(id), where, "holds {}, which is no token", id);
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

std::vector<Sequence> sequences_of(const SafetensorsFile& dump, const LoadedModel& model) {
  std::vector<Sequence> sequences;
  std::int64_t tokens = 0;
  while (const SafetensorsEntry* entry = dump.find(fmt::format("input_ids.{}", sequences.size()))) {
    sequences.push_back({ids_of(dump, *entry), tokens});
    tokens += std::ssize(sequences.back().ids);
    require(tokens <= kMostTokens, dump.where(), "has more than {} tokens", kMostTokens);
    model.check_ids(sequences.back().ids);
    require(std::ssize(sequences.back().ids) <= model.built.max_positions, dump.where(entry->name),
            "has {} tokens, the model takes {}", sequences.back().ids.size(), model.built.max_positions);
  }
  require(!sequences.empty(), dump.where(), "has no input_ids.0: it is no dump of a reference");
  return sequences;
}

// A value of the graph, and the name of its tensors with the sequence left open.
struct Tap {
  std::string value, tensor;

  std::string of(std::size_t sequence) const { return fmt::format(fmt::runtime(tensor), sequence); }
};

std::vector<Tap> taps_of(const LoadedModel& model, const SafetensorsFile& dump) {
  std::vector<Tap> taps;
  const auto add = [&](std::string value, std::string tensor) {
    Tap tap{std::move(value), std::move(tensor)};
    if (dump.find(tap.of(0)) != nullptr) taps.push_back(std::move(tap));
  };
  for (std::int64_t layer = 0; layer <= model.built.layers; ++layer)
    add(fmt::format("hidden.{}", layer), fmt::format("hidden.{{}}.{}", layer));
  add(fmt::format("hidden.{}", model.built.layers), "last_hidden.{}");
  add("logits", "logits.{}");
  require(!taps.empty(), dump.where(), "has neither hidden.0.0 nor last_hidden.0 nor logits.0");
  return taps;
}

// What is not a number is worse than any, and the first of these stays.
bool is_worse(double distance, double other) {
  return distance > other || (std::isnan(distance) && !std::isnan(other));
}

ReferenceDifference compare(const Tap& tap, const std::string& tensor, std::span<const float> got,
                            const SafetensorsFile& dump) {
  const SafetensorsEntry& entry = *dump.find(tensor);
  require(entry.shape.elements() == std::ssize(got), dump.where(tensor),
          "is {}, which is not the {} values that the model computes", entry.shape.to_string(), got.size());
  const std::vector<float> want = to_floats(dump.tensor(entry));
  std::size_t worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (is_worse(std::abs(got[i] - want[i]), std::abs(got[worst] - want[worst]))) worst = i;
  return {tap.value,  tensor,     relative_l2(got, want), static_cast<std::int64_t>(worst),
          got[worst], want[worst]};
}

// A value that the model does not name is what an encoder ends in.
std::string name_in(const LoadedModel& model, const Tap& tap) {
  return model.built.graph.find(tap.value) ? tap.value : "last_hidden_state";
}

std::shared_ptr<const Program> compile_with(const LoadedModel& model, const std::vector<Tap>& taps,
                                            std::int64_t tokens, bool fuse) {
  std::vector<std::string> keep;
  for (const Tap& tap : taps)
    if (model.built.graph.find(tap.value)) keep.push_back(tap.value);
  return model.compile_program({{"tokens", tokens}, {"outputs", tokens}, {"sequences", tokens}}, false,
                               std::move(keep), fuse);
}

}  // namespace

double relative_l2(std::span<const float> a, std::span<const float> b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    norm += double{b[i]} * b[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

std::vector<ReferenceDifference> check_reference(const LoadedModel& model, const std::filesystem::path& path,
                                                 bool fuse) {
  const SafetensorsFile dump = SafetensorsFile::open(path);
  const std::vector<Sequence> sequences = sequences_of(dump, model);
  const std::vector<Tap> taps = taps_of(model, dump);
  const std::int64_t tokens = sequences.back().begin + std::ssize(sequences.back().ids);
  const auto program = compile_with(model, taps, tokens, fuse);
  StepBuilder step(program);
  for (const Sequence& sequence : sequences) step.add(sequence.ids, OutputRows::kAll);
  Executor executor(program, model.weights, model.pool);
  executor.run(step.inputs());
  std::vector<ReferenceDifference> differences;
  for (const Tap& tap : taps) {
    const TensorView output = executor.output(name_in(model, tap));
    const std::int64_t width = output.shape[-1];
    const bool one_row = output.shape[0] == std::ssize(sequences) && tokens != std::ssize(sequences);
    std::optional<ReferenceDifference> worst;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      if (dump.find(tap.of(i)) == nullptr) continue;
      const std::int64_t first = one_row ? static_cast<std::int64_t>(i) : sequences[i].begin;
      const std::size_t rows = one_row ? 1 : sequences[i].ids.size();
      const std::span<const float> got(static_cast<const float*>(output.data) + first * width,
                                       rows * static_cast<std::size_t>(width));
      ReferenceDifference difference = compare(tap, tap.of(i), got, dump);
      if (!worst || is_worse(difference.relative_l2, worst->relative_l2)) worst = std::move(difference);
    }
    if (worst) differences.push_back(std::move(*worst));
  }
  return differences;
}

}  // namespace swiftlet
