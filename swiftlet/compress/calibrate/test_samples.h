// Tiny models and made-up samples for the tests of calibration. Included by tests only.
#pragma once

#include <cmath>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "swiftlet/compress/calibrate/samples.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/runtime/compile.h"

namespace swiftlet::test {

inline Checkpoint tiny_checkpoint(const std::string& name) {
  return load_checkpoint(std::filesystem::path(SWIFTLET_SOURCE_DIR) / "tests/data/models" / name);
}

inline std::shared_ptr<WeightStore> all_weights(const Checkpoint& checkpoint, const Graph& graph) {
  auto store = std::make_shared<WeightStore>();
  for (const auto& [name, weight] : checkpoint.weights)
    if (graph.find(name)) store->add(weight);
  return store;
}

// Sequences of 9, 13, ... tokens.
inline Samples made_up_samples(std::int64_t vocab, int count) {
  Samples samples;
  for (int i = 0; i < count; ++i) {
    std::vector<std::int32_t> ids;
    for (int j = 0; j < 9 + 4 * (i % 10); ++j)
      ids.push_back(static_cast<std::int32_t>((7 * i + 3 * j + i * j % 5 + 1) % vocab));
    samples.tokens += static_cast<std::int64_t>(ids.size());
    samples.sequences.push_back(std::move(ids));
  }
  return samples;
}

// The last output of a graph over all samples, in one piece.
inline std::vector<float> run_whole(const Graph& graph, const std::shared_ptr<WeightStore>& weights,
                                    const Samples& samples) {
  const std::int64_t tokens = samples.tokens;
  const auto pool = std::make_shared<ThreadPool>(2);
  const auto program = std::make_shared<const Program>(compile(
      graph, *weights,
      {.maxima = {{"tokens", tokens}, {"sequences", tokens}, {"outputs", tokens}}, .threads = pool->size()}));
  Executor executor(program, weights, pool);
  StepBuilder step(program);
  for (const auto& sequence : samples.sequences) step.add(sequence, OutputRows::kAll);
  executor.run(step.inputs());
  const TensorView value = executor.output(program->outputs.size() - 1);
  const auto* const begin = static_cast<const float*>(value.data);
  return {begin, begin + value.shape.elements()};
}

// |got - want| / |want|
inline double relative_distance(std::span<const float> got, std::span<const float> want) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    difference += (double{got[i]} - want[i]) * (double{got[i]} - want[i]);
    norm += double{want[i]} * want[i];
  }
  return std::sqrt(difference / norm);
}

}  // namespace swiftlet::test
