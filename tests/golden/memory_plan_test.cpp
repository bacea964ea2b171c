// The memory plan of every tiny model: whatever stands in parts of the arena that hold no live value, the
// results are the same.
#include <gtest/gtest.h>

#include "golden_model.h"
#include "swiftlet/engine/paged_cache.h"
#include "swiftlet/engine/step_builder.h"

namespace swiftlet {
namespace {

std::vector<float> floats_of(const TensorView& view) {
  const auto* data = static_cast<const float*>(view.data);
  return {data, data + view.shape.elements()};
}

std::vector<std::vector<std::int32_t>> sequences(const std::filesystem::path& folder) {
  const auto dump = SafetensorsFile::open(folder / "golden.safetensors");
  std::vector<std::vector<std::int32_t>> ids;
  for (int i = 0; dump.find(fmt::format("input_ids.{}", i)) != nullptr; ++i)
    ids.push_back(ids_of(dump, fmt::format("input_ids.{}", i)));
  return ids;
}

// A whole batch and, with a cache, two steps of decoding behind it; all outputs of all steps.
std::vector<std::vector<float>> run(const LoadedModel& model, const std::filesystem::path& folder, bool fuse,
                                    bool paged, bool poison) {
  CompileOptions options{
      .precision = model.options.precision, .paged_cache = paged, .simplify = fuse, .fuse = fuse};
  options.threads = model.pool->size();
  for (const char* symbol : {"tokens", "outputs", "sequences"}) options.maxima[symbol] = 256;
  const auto program = std::make_shared<const Program>(compile(model.built.graph, *model.weights, options));
  Executor executor(program, model.weights, model.pool);
  executor.poison_dead_buffers(poison);
  StepBuilder step(program);
  PagedCache cache(program->states, DType::kF32, 64);
  std::vector<std::unique_ptr<SequenceState>> states;
  std::vector<std::vector<float>> results;
  const auto add = [&](std::span<const std::int32_t> ids, std::size_t sequence) {
    if (!paged) return step.add(ids, OutputRows::kAll);
    if (sequence == states.size()) states.push_back(cache.new_sequence());
    SequenceState& state = *states[sequence];
    const std::int64_t first = state.length();
    ASSERT_TRUE(state.extend(static_cast<std::int64_t>(ids.size())));
    step.add(ids, OutputRows::kLast, first, state.blocks());
  };
  const auto finish = [&] {
    executor.run(step.inputs(cache.layers()));
    for (std::size_t i = 0; i < program->outputs.size(); ++i)
      results.push_back(floats_of(executor.output(i)));
    step.clear();
  };
  const auto all = sequences(folder);
  for (std::size_t i = 0; i < all.size(); ++i) add(all[i], i);
  finish();
  for (int decode = 0; paged && decode < 2; ++decode) {
    for (std::size_t i = 0; i < all.size(); ++i) add(std::span(all[i]).first(1), i);
    finish();
  }
  return results;
}

TEST(MemoryPlan, DeadBuffersMayHoldAnything) {
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests/data/models")) {
    if (!entry.is_directory()) continue;
    ++models;
    for (const Arithmetic precision : {Arithmetic::kF32, Arithmetic::kInt8}) {
      const auto model = LoadedModel::load(entry.path(), {.precision = precision, .threads = 2});
      for (const bool fuse : {false, true}) {
        for (const bool paged : {false, true}) {
          if (paged && model->built.kind != models::Kind::kDecoder) continue;
          SCOPED_TRACE(fmt::format("{}, {}, {}, {}", entry.path().filename().string(), to_string(precision),
                                   fuse ? "fused" : "not fused", paged ? "paged" : "pure"));
          const auto expected = run(*model, entry.path(), fuse, paged, false);
          ASSERT_FALSE(expected.at(0).empty());
          EXPECT_EQ(run(*model, entry.path(), fuse, paged, true), expected);
        }
      }
    }
  }
  EXPECT_GE(models, 9);
}

// The check can fail: a value whose place is given away one kernel too early is found.
TEST(MemoryPlan, AValueThatDiesTooEarlyIsFound) {
  const auto folder = source_dir() / "tests/data/models/llama-tied";
  const auto model = LoadedModel::load(folder, {.precision = Arithmetic::kF32, .threads = 1});
  CompileOptions options;
  for (const char* symbol : {"tokens", "outputs"}) options.maxima[symbol] = 64;
  const Program sound = compile(model->built.graph, *model->weights, options);
  int found = 0, tried = 0;
  for (std::size_t i = 0; i < sound.placements.size(); ++i) {
    if (sound.placements[i].last <= sound.placements[i].first) continue;  // read by nobody
    auto broken = std::make_shared<Program>(sound);
    broken->placements[i].last -= 1;
    Executor executor(broken, model->weights, model->pool);
    executor.poison_dead_buffers(true);
    StepBuilder step(broken);
    step.add(sequences(folder).at(0), OutputRows::kLast);
    executor.run(step.inputs());
    const std::vector<float> logits = floats_of(executor.output(0));
    ++tried;
    found += std::any_of(logits.begin(), logits.end(), [](float x) { return !std::isfinite(x); });
  }
  EXPECT_GT(tried, 10);
  EXPECT_EQ(found, tried);
}

}  // namespace
}  // namespace swiftlet
