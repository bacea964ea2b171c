#include "swiftlet/runtime/weight_store.h"

#include <thread>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::error_of;
using test::random_tensor;

const WeightForm kPanelsF32{{}, Layout::kPanels}, kInt8{{Format::kInt8}, Layout::kPanels};

Weight matrix(const std::string& name, std::uint64_t seed, Shape shape = {8, 20}) {
  return weight_from_tensor(name, random_tensor(std::move(shape), seed));
}

TEST(WeightStore, KnowsItsWeights) {
  WeightStore store;
  store.add(matrix("b", 1));
  store.add(matrix("a", 2, {5}));
  EXPECT_TRUE(store.contains("a"));
  EXPECT_FALSE(store.contains("c"));
  EXPECT_THAT(store.names(), testing::ElementsAre("a", "b"));
  EXPECT_EQ(store.shape("b"), (Shape{8, 20}));
  EXPECT_EQ(store.shape("c"), std::nullopt);
  EXPECT_EQ(store.bytes(), (8 * 20 + 5) * 4);
  EXPECT_EQ(store.version("a"), 1u);
}

TEST(WeightStore, ErrorsNameTheWeight) {
  WeightStore store;
  store.add(matrix("w", 1));
  EXPECT_EQ(error_of([&] { store.add(matrix("w", 2)); }), "[w] this weight is there twice");
  EXPECT_EQ(error_of([&] { store.get("v"); }), "[v] the model has no weight of this name");
  EXPECT_EQ(error_of([&] { store.version("v"); }), "[v] the model has no weight of this name");
  EXPECT_EQ(error_of([&] { store.in_form("v", kInt8); }), "[v] the model has no weight of this name");
  EXPECT_EQ(error_of([&] { store.replace(matrix("v", 1)); }), "[v] the model has no weight of this name");
  EXPECT_EQ(error_of([&] {
              store.replace(matrix("w", 1, {20, 8}));
            }),
            "[w] has shape [8, 20], its replacement [20, 8]");
  EXPECT_EQ(store.version("w"), 1u);
}

TEST(WeightStore, PacksAreMadeOnceAndShared) {
  WeightStore store;
  store.add(matrix("w", 1));
  EXPECT_EQ(store.packed_bytes(), 0);
  const auto stored = store.in_form("w", {{}, Layout::kRows});
  EXPECT_EQ(store.packed_bytes(), 0) << "the stored form needs no pack";
  EXPECT_EQ(stored->codes.data(), store.get("w").codes.data());
  const auto panels = store.in_form("w", kPanelsF32), codes = store.in_form("w", kInt8);
  EXPECT_EQ(store.in_form("w", kPanelsF32), panels);
  EXPECT_EQ(store.in_form("w", kInt8), codes);
  EXPECT_NE(panels, codes);
  EXPECT_EQ(store.packed_bytes(), panels->bytes() + codes->bytes());
}

TEST(WeightStore, EveryFormHoldsTheSameNumbers) {
  WeightStore store;
  store.add(matrix("w", 1));
  const auto values = decode(store.get("w"));
  EXPECT_EQ(decode(*store.in_form("w", kPanelsF32)), values);
  const auto bf16_rows = store.in_form("w", {{Format::kBF16}, Layout::kRows});
  EXPECT_EQ(bf16_rows->layout, Layout::kRows);
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(decode(*bf16_rows)[i], bf16_to_f32(f32_to_bf16(values[i])));
  // An integer weight as rows, for a program that was compiled when the weight was still f32.
  store.replace(encode(store.get("w"), {Format::kInt8}));
  const auto rows = store.in_form("w", {{}, Layout::kRows});
  EXPECT_EQ(rows->layout, Layout::kRows);
  EXPECT_EQ(decode(*rows), decode(store.get("w")));
}

TEST(WeightStore, VectorsBecomeF32) {
  WeightStore store;
  Tensor half = Tensor::zeros(DType::kBF16, {3});
  for (int i = 0; i < 3; ++i)
    half.mutable_data<std::uint16_t>()[i] = f32_to_bf16(static_cast<float>(i) + 0.5f);
  store.add(weight_from_tensor("gain", half));
  const auto bound = store.in_form("gain", {{}, Layout::kRows});
  EXPECT_EQ(bound->encoding.format, Format::kF32);
  EXPECT_THAT(decode(*bound), testing::ElementsAre(0.5f, 1.5f, 2.5f));
}

TEST(WeightStore, ReplacementRaisesTheVersionAndFreesThePacks) {
  WeightStore store;
  store.add(matrix("w", 1));
  store.add(matrix("v", 1));
  const std::uint64_t generation = store.generation();
  std::weak_ptr<const Weight> old = store.in_form("w", kInt8);
  const auto other = store.in_form("v", kInt8);
  store.replace(matrix("w", 2));
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(store.version("w"), 2u);
  EXPECT_EQ(store.version("v"), 1u);
  EXPECT_GT(store.generation(), generation);
  EXPECT_EQ(store.in_form("v", kInt8), other);
  EXPECT_EQ(decode(*store.in_form("w", kPanelsF32)), decode(matrix("w", 2)));
}

TEST(WeightStore, ProgramsPickReplacementsUpWithoutCompiling) {
  const Graph graph = test::small_decoder();
  const auto weights = test::random_weights(graph);
  test::GraphRunner runner(graph, CompileOptions{}, weights);
  const test::StepTables step = test::ragged({5, 2});
  const Tensor before = runner.run(step)[0];
  const Weight original = weights->get("layers.1.down.weight");
  weights->replace(matrix(original.name, 77, original.shape));
  const Tensor changed = runner.run(step)[0];
  EXPECT_FALSE(test::close(changed, before, 1e-3));
  EXPECT_TRUE(test::same_bits(changed, test::GraphRunner(graph, CompileOptions{}, weights).run(step)[0]));
  weights->replace(original);
  EXPECT_TRUE(test::same_bits(runner.run(step)[0], before));
  // A vector, and a matrix in another encoding than the program was compiled for.
  const Weight gain = weights->get("norm.weight");
  weights->replace(matrix(gain.name, 78, gain.shape));
  EXPECT_FALSE(test::close(runner.run(step)[0], before, 1e-3));
  weights->replace(gain);
  weights->replace(encode(original, {Format::kInt8}));
  EXPECT_TRUE(test::close(runner.run(step)[0], before, 3e-2));
  EXPECT_FALSE(test::same_bits(runner.run(step)[0], before));
}

TEST(WeightStore, ProgramsShareTheirPacks) {
  const Graph graph = test::small_encoder();
  const auto weights = test::random_weights(graph);
  const test::GraphRunner first(graph, CompileOptions{}, weights);
  const std::int64_t bytes = weights->packed_bytes();
  const test::GraphRunner second(graph, CompileOptions{}, weights);
  EXPECT_GT(bytes, 0);
  EXPECT_EQ(weights->packed_bytes(), bytes);
}

TEST(WeightStoreThreads, ReadersAndAWriterMeet) {
  WeightStore store;
  store.add(matrix("w", 1));
  const std::vector<float> first = decode(matrix("w", 1)), second = decode(matrix("w", 2));
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto values = decode(*store.in_form("w", kPanelsF32));
        EXPECT_TRUE(values == first || values == second);
        EXPECT_GE(store.version("w"), 1u);
      }
    });
  for (int i = 0; i < 100; ++i) store.replace(matrix("w", i % 2 == 0 ? 2 : 1));
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(store.version("w"), 101u);
}

}  // namespace
}  // namespace swiftlet
