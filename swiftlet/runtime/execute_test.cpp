#include "swiftlet/runtime/execute.h"

#include <thread>

#include "swiftlet/graph/test_ops.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/reshape.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

using test::error_of;
using test::GraphRunner;
using test::ragged;
using test::rows_of;
using test::same_bits;

CompileOptions for_tokens(std::int64_t tokens) {
  CompileOptions options;
  options.maxima = {{"tokens", tokens}, {"sequences", 4}};
  return options;
}

TEST(Execute, MoreThanWasPlannedIsAnError) {
  GraphRunner runner(test::small_encoder(), for_tokens(8));
  EXPECT_EQ(error_of([&] {
              runner.run(ragged({5, 4}));
            }),
            "[execute] 'tokens' is 9, the program was planned for at most 8");
  EXPECT_EQ(error_of([&] {
              runner.run(ragged({1, 1, 1, 1, 1}));
            }),
            "[execute] 'sequences' is 5, the program was planned for at most 4");
  EXPECT_EQ(runner.run(ragged({4, 4}))[0].shape(), (Shape{2, 32})) << "an error leaves the executor usable";
}

TEST(Execute, APoolThatIsTooLargeIsAnError) {
  const GraphRunner runner(test::small_decoder(), for_tokens(8));
  EXPECT_EQ(
      error_of([&] { Executor(runner.shared_program(), runner.weights(), std::make_shared<ThreadPool>(3)); }),
      "[execute] the pool has 3 threads, the program was compiled for at most 1");
}

// What the kernels would trust is checked before they run.
struct ExecuteStep : testing::Test {
  CompileOptions options = for_tokens(8);
  std::unique_ptr<GraphRunner> runner;
  std::vector<float> x = std::vector<float>(8 * 32, 1.0f);
  std::vector<std::int32_t> positions = std::vector<std::int32_t>(8, 0);
  std::vector<const void*> inputs{x.data(), positions.data()};
  test::StepTables step = ragged({3, 2});
  std::vector<RaggedAxis> axes{{step.segments}};
  std::vector<std::int64_t> symbols;
  Batch batch{.axes = axes};

  void compile_for(const Graph& graph) {
    runner = std::make_unique<GraphRunner>(graph, options);
    inputs.resize(runner->program().inputs.size());
    for (const std::string& name : runner->program().symbols) symbols.push_back(name == "tokens" ? 5 : 2);
  }
  std::string error() {
    return error_of([&] { runner->executor().run({inputs, symbols, batch}); });
  }
};

TEST_F(ExecuteStep, NumbersOfInputsAndSymbols) {
  compile_for(test::small_decoder());
  inputs.pop_back();
  EXPECT_EQ(error(), "[execute] the step binds 1 inputs and 1 symbols, the program has 2 and 1");
}

TEST_F(ExecuteStep, NegativeSymbols) {
  compile_for(test::small_decoder());
  symbols[0] = -1;
  EXPECT_EQ(error(), "[execute] 'tokens' is -1, the program was planned for at most 8");
}

TEST_F(ExecuteStep, AMissingAxis) {
  compile_for(test::small_decoder());
  batch.axes = {};
  EXPECT_EQ(error(), "[execute] the batch has 0 ragged axes, the program reads 1");
}

TEST_F(ExecuteStep, RowsOutsideOfTheStep) {
  compile_for(test::small_decoder());
  step.segments[1].query_end = 6;
  EXPECT_EQ(error(), "[execute] a sequence has rows 3 to 6 of the 5 'tokens'");
  step.segments[1] = {.query_begin = -1, .query_end = 2};
  EXPECT_EQ(error(), "[execute] a sequence has rows -1 to 2 of the 5 'tokens'");
  step.segments[1] = {.query_begin = 4, .query_end = 3};
  EXPECT_EQ(error(), "[execute] a sequence has rows 4 to 3 of the 5 'tokens'");
}

TEST_F(ExecuteStep, AnotherNumberOfSequences) {
  compile_for(test::small_encoder());
  symbols[runner->program().symbol("sequences")] = 1;
  EXPECT_EQ(error(), "[execute] the batch has 2 sequences, the symbol 'sequences' is 1");
}

TEST_F(ExecuteStep, AMissingCache) {
  options.paged_cache = true;
  compile_for(test::small_decoder());
  EXPECT_EQ(error(), "[execute] the batch has 0 cache layers, the program 2");
  const std::vector<CacheLayer> layers(2);
  batch.cache = layers;
  EXPECT_EQ(error(), "[execute] the batch has 0 cache slots for 5 tokens");
}

TEST(Execute, ZeroTokens) {
  CompileOptions paged;
  paged.paged_cache = true;
  GraphRunner encoder(test::small_encoder(), CompileOptions{});
  GraphRunner decoder(test::small_decoder(), CompileOptions{}), cached(test::small_decoder(), paged);
  EXPECT_EQ(encoder.run(ragged({}))[0].shape(), (Shape{0, 32}));
  EXPECT_EQ(decoder.run(ragged({}))[0].shape(), (Shape{0, 32}));
  test::TestCache cache(cached.program(), 1, 64);
  EXPECT_EQ(cached.run(cache.step({0}))[0].shape(), (Shape{0, 32}));
  Graph graph;
  const Value ids = graph.add_input("ids", {DType::kI32, {Dim::symbol("tokens")}});
  const Value rows = ops::embedding(ids, graph.add_weight("w", {DType::kF32, {7, 4}}));
  const Value picked = ops::select_rows(rows, graph.add_input("rows", {DType::kI32, {Dim::symbol("n")}}));
  const Value four = graph.add_constant(test::int64_tensor({-1, 2, 2}));
  graph.add_output(ops::reshape(picked, four));
  GraphRunner others(graph);
  EXPECT_EQ(
      others.run(ragged({}), {{"ids", test::int_tensor({})}, {"rows", test::int_tensor({})}})[0].shape(),
      (Shape{0, 2, 2}));
}

TEST(Execute, AnEmptySequencePoolsToZero) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 4}});
  for (const char* mode : {"cls", "mean", "max", "last"}) graph.add_output(ops::pool(x, mode));
  GraphRunner runner(graph);
  for (const Tensor& output : runner.run(ragged({2, 0, 1})))
    EXPECT_TRUE(same_bits(rows_of(output, 1, 2), Tensor::zeros(DType::kF32, {1, 4})));
}

TEST(Execute, OutputsBeforeTheFirstRunAreEmpty) {
  GraphRunner runner(test::small_decoder(), for_tokens(8));
  EXPECT_EQ(runner.executor().output("y").shape, (Shape{0, 32}));
}

// Greedy output must not depend on who else is in the batch, nor on the number of threads.
TEST(Execute, EverySequenceIsComputedAsIfAlone) {
  for (const Arithmetic precision : {Arithmetic::kF32, Arithmetic::kBF16, Arithmetic::kInt8}) {
    CompileOptions options;
    options.precision = precision;
    const Graph graph = test::small_decoder();
    GraphRunner runner(graph, options), wide(graph, options, runner.weights(), 3);
    const std::vector<int> lengths{3, 1, 40, 7};
    const Tensor x = test::random_tensor({51, 32}, 5);
    const Tensor together = runner.run(ragged(lengths), {{"x", x}})[0];
    EXPECT_TRUE(same_bits(wide.run(ragged(lengths), {{"x", x}})[0], together)) << "3 threads";
    std::int64_t at = 0;
    for (int length : lengths) {
      const Tensor alone = runner.run(ragged({length}), {{"x", rows_of(x, at, at + length)}})[0];
      EXPECT_TRUE(same_bits(alone, rows_of(together, at, at + length)))
          << "length " << length << ", precision " << static_cast<int>(precision);
      at += length;
    }
  }
}

TEST(ExecuteThreads, TwoExecutorsShareOneProgram) {
  const Graph graph = test::small_decoder();
  GraphRunner runner(graph, CompileOptions{}, nullptr, 2);
  const auto shared_pool = std::make_shared<ThreadPool>(2);
  const std::vector<std::vector<int>> batches{{3, 1}, {17}, {1, 1, 1}};
  std::vector<Tensor> inputs, expected;
  for (const auto& lengths : batches) {
    inputs.push_back(test::random_tensor({ragged(lengths).tokens(), 32}, inputs.size()));
    expected.push_back(runner.run(ragged(lengths), {{"x", inputs.back()}})[0]);
  }
  const auto work = [&](std::shared_ptr<ThreadPool> pool, std::size_t first) {
    Executor executor(runner.shared_program(), runner.weights(), std::move(pool));
    for (std::size_t i = 0; i < 20; ++i) {
      const std::size_t b = (first + i) % batches.size();
      const test::StepTables step = ragged(batches[b]);
      const std::vector<const void*> pointers{inputs[b].data<void>(), step.positions.data()};
      const std::vector<std::int64_t> symbols{step.tokens()};
      const std::vector<RaggedAxis> axes{{step.segments}};
      executor.run({pointers, symbols, {.axes = axes}});
      EXPECT_TRUE(same_bits(test::copy_of(executor.output(0)), expected[b]));
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(work, shared_pool, 0);
  threads.emplace_back(work, shared_pool, 1);
  threads.emplace_back(work, std::make_shared<ThreadPool>(1), 2);
  for (std::thread& thread : threads) thread.join();
}

TEST(ExecuteThreads, WeightsMayBeReplacedWhileStepsRun) {
  const Graph graph = test::small_decoder();
  GraphRunner runner(graph, CompileOptions{});
  const Tensor x = test::random_tensor({4, 32}, 1);
  const Weight one = runner.weights()->get("layers.0.o.weight");
  const Weight two = weight_from_tensor(one.name, test::random_tensor(one.shape, 99));
  const Tensor with_one = runner.run(ragged({4}), {{"x", x}})[0];
  runner.weights()->replace(two);
  const Tensor with_two = runner.run(ragged({4}), {{"x", x}})[0];
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) runner.weights()->replace(i % 2 == 0 ? one : two);
  });
  for (int i = 0; i < 50; ++i) {
    const Tensor y = runner.run(ragged({4}), {{"x", x}})[0];
    EXPECT_TRUE(same_bits(y, with_one) || same_bits(y, with_two));
  }
  writer.join();
}

}  // namespace
}  // namespace swiftlet
