#include "golden_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/engine/step_builder.h"

namespace swiftlet {
namespace {

struct Sequence {
  std::vector<std::int32_t> ids;
  std::int64_t begin = 0, index = 0;
};

std::vector<Sequence> sequences_of(const SafetensorsFile& dump) {
  std::vector<Sequence> sequences;
  std::int64_t begin = 0;
  for (int i = 0; dump.find("input_ids." + std::to_string(i)) != nullptr; ++i) {
    sequences.push_back({ids_of(dump, "input_ids." + std::to_string(i)), begin, i});
    begin += static_cast<std::int64_t>(sequences.back().ids.size());
  }
  return sequences;
}

// Where the largest difference is, for the message.
std::string worst_element(std::span<const float> got, std::span<const float> want) {
  std::size_t worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got[i] - want[i]) <= std::abs(got[worst] - want[worst]))) worst = i;
  return fmt::format("worst element {}: got {}, reference {}", worst, got[worst], want[worst]);
}

// Rows of one sequence of an output (or its only one, where an output has one a sequence) against a tensor of
// the dump; false (and a failure) when they differ.
bool matches(const TensorView& output, const Sequence& sequence, bool one_row, const SafetensorsFile& dump,
             const std::string& name) {
  const Tensor want = dump.tensor(name);
  const std::int64_t width = output.shape[-1], first = one_row ? sequence.index : sequence.begin;
  const std::span<const float> rows(static_cast<const float*>(output.data) + first * width,
                                    (one_row ? 1 : sequence.ids.size()) * static_cast<std::size_t>(width));
  if (want.span<float>().size() != rows.size()) {
    ADD_FAILURE() << name << ": the reference has " << want.shape().to_string();
    return false;
  }
  const double error = relative_l2(rows, want.span<float>());
  EXPECT_LE(error, kTolerance) << "first differing tensor: " << name << ", "
                               << worst_element(rows, want.span<float>());
  return error <= kTolerance;
}

struct Tap {
  std::string value, tensor;  // name in the graph, prefix in the dump
};

std::vector<Tap> taps_of(const LoadedModel& model, const SafetensorsFile& dump) {
  std::vector<Tap> taps;
  for (std::int64_t layer = 0; layer <= model.built.layers; ++layer)
    if (dump.find(fmt::format("hidden.0.{}", layer)) != nullptr)
      taps.push_back({fmt::format("hidden.{}", layer), fmt::format("hidden.{{}}.{}", layer)});
  if (dump.find("logits.0") != nullptr) taps.push_back({"logits", "logits.{}"});
  if (dump.find("last_hidden.0") != nullptr)
    taps.push_back({fmt::format("hidden.{}", model.built.layers), "last_hidden.{}"});
  return taps;
}

void run_and_compare(const LoadedModel& model, const SafetensorsFile& dump, bool fuse) {
  SCOPED_TRACE(fuse ? "fused" : "not fused");
  const auto sequences = sequences_of(dump);
  const auto taps = taps_of(model, dump);
  ASSERT_FALSE(sequences.empty());
  ASSERT_GE(taps.size(), 2u) << "the dump has nothing to compare";
  CompileOptions options{.precision = model.options.precision,
                         .fuse = fuse,
                         .table = model.options.table,
                         .threads = model.pool->size()};
  for (const auto& symbol : {"tokens", "outputs", "sequences"}) options.maxima[symbol] = 256;
  // Encoders end in last_hidden_state, which is the last hidden state itself.
  models::BuiltModel built = model.built;
  for (const Tap& tap : taps)
    if (built.graph.find(tap.value)) options.keep.push_back(tap.value);
  const auto program = std::make_shared<const Program>(compile(built.graph, *model.weights, options));
  StepBuilder step(program);
  for (const Sequence& sequence : sequences) step.add(sequence.ids, OutputRows::kAll);
  Executor executor(program, model.weights, model.pool);
  executor.run(step.inputs());
  for (const Tap& tap : taps) {
    const bool named = built.graph.find(tap.value).has_value();
    const TensorView output = executor.output(named ? tap.value : "last_hidden_state");
    const bool one_row = output.shape[0] == static_cast<std::int64_t>(sequences.size());
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const std::string tensor = fmt::format(fmt::runtime(tap.tensor), i);
      if (dump.find(tensor) != nullptr && !matches(output, sequences[i], one_row, dump, tensor)) return;
    }
  }
}

}  // namespace

double relative_l2(std::span<const float> a, std::span<const float> b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    norm += double{b[i]} * b[i];
  }
  return std::sqrt(difference / norm);
}

std::vector<std::int32_t> ids_of(const SafetensorsFile& dump, const std::string& name) {
  const Tensor tensor = dump.tensor(name);
  const auto ids = tensor.span<std::int32_t>();
  return {ids.begin(), ids.end()};
}

void check_against_dump(const GoldenCase& test) {
  const auto dump = SafetensorsFile::open(test.dump);
  const auto model = LoadedModel::load(
      test.model, {.precision = Arithmetic::kF32, .threads = test.threads, .table = test.table});
  run_and_compare(*model, dump, true);
  run_and_compare(*model, dump, false);
}

}  // namespace swiftlet
