#include "swiftlet/runtime/arena.h"

#include <algorithm>

#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

std::size_t rounded(std::size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

// What no plan can do without: the most bytes that are alive in one step.
std::size_t lower_bound(const std::vector<ArenaRequest>& requests) {
  int steps = 0;
  for (const ArenaRequest& request : requests) steps = std::max(steps, request.last + 1);
  std::size_t most = 0;
  for (int step = 0; step < steps; ++step) {
    std::size_t alive = 0;
    for (const ArenaRequest& request : requests)
      if (request.first <= step && step <= request.last) alive += rounded(request.bytes);
    most = std::max(most, alive);
  }
  return most;
}

void expect_valid(const std::vector<ArenaRequest>& requests, const ArenaPlan& plan) {
  ASSERT_EQ(plan.offsets.size(), requests.size());
  for (std::size_t a = 0; a < requests.size(); ++a) {
    const std::size_t end = plan.offsets[a] + requests[a].bytes;
    ASSERT_EQ(plan.offsets[a] % 64, 0u);
    ASSERT_LE(end, plan.bytes);
    for (std::size_t b = 0; b < a; ++b) {
      if (requests[a].last < requests[b].first || requests[b].last < requests[a].first) continue;
      ASSERT_TRUE(end <= plan.offsets[b] || plan.offsets[b] + requests[b].bytes <= plan.offsets[a])
          << "requests " << b << " and " << a << " overlap";
    }
  }
}

TEST(PlanArena, NothingNeedsNothing) {
  EXPECT_EQ(plan_arena({}).bytes, 0u);
  EXPECT_EQ(plan_arena({{0, 0, 3}, {0, 1, 2}}).bytes, 0u);
}

TEST(PlanArena, LivesThatFollowShareBytes) {
  const ArenaPlan plan = plan_arena({{100, 0, 1}, {100, 2, 3}, {64, 4, 4}});
  EXPECT_THAT(plan.offsets, testing::ElementsAre(0, 0, 0));
  EXPECT_EQ(plan.bytes, 128u);
}

TEST(PlanArena, AStepInCommonKeepsThemApart) {
  const ArenaPlan plan = plan_arena({{64, 0, 1}, {64, 1, 2}});
  EXPECT_NE(plan.offsets[0], plan.offsets[1]);
  EXPECT_EQ(plan.bytes, 128u);
}

TEST(PlanArena, FillsGapsOfTheRightWidth) {
  // 0 and 1 leave a gap of 128 between steps; 2 fits into it, 3 does not.
  const std::vector<ArenaRequest> requests{{256, 0, 9}, {256, 0, 9}, {192, 0, 4}, {128, 5, 9}, {64, 5, 9}};
  const ArenaPlan plan = plan_arena(requests);
  expect_valid(requests, plan);
  EXPECT_EQ(plan.bytes, 704u);
}

TEST(PlanArena, RandomLivesNeverOverlap) {
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    std::uint64_t draw = 0;
    const auto next = [&](int below) { return static_cast<int>(uniform(trial, 0, draw++) * below); };
    std::vector<ArenaRequest> requests(static_cast<std::size_t>(1 + next(60)));
    for (ArenaRequest& request : requests) {
      request.bytes = static_cast<std::size_t>(next(5) == 0 ? 0 : next(2000));
      request.first = next(30);
      request.last = request.first + next(8);
    }
    const ArenaPlan plan = plan_arena(requests);
    ASSERT_NO_FATAL_FAILURE(expect_valid(requests, plan)) << "trial " << trial;
    EXPECT_GE(plan.bytes, lower_bound(requests));
    EXPECT_LE(static_cast<double>(plan.bytes), 1.6 * static_cast<double>(lower_bound(requests)))
        << "trial " << trial;
  }
}

// The patterns that occur: both families, as built, fused, and with every hidden layer tapped.
TEST(PlanArena, IsNearTheLowerBoundOnModels) {
  const test::SmallModel model{
      .layers = 4, .heads = 8, .kv_heads = 4, .head_dim = 8, .width = 64, .inner = 256};
  for (const Graph& graph : {test::small_decoder(model), test::small_encoder(model)}) {
    CompileOptions fused, tapped;
    tapped.keep = {"hidden.0", "hidden.1", "hidden.2", "hidden.3"};
    for (const CompileOptions& options : {test::as_built(), fused, tapped}) {
      const test::GraphRunner runner(graph, options);
      std::vector<ArenaRequest> requests;
      for (const Program::Placement& p : runner.program().placements)
        requests.push_back({p.bytes, p.first, p.last});
      const double ratio =
          static_cast<double>(runner.program().arena_bytes) / static_cast<double>(lower_bound(requests));
      EXPECT_LE(ratio, 1.3);
      EXPECT_LT(static_cast<std::int64_t>(runner.program().arena_bytes),
                runner.program().unplanned_bytes / 2);
    }
  }
}

// Runs a program's steps by hand and fills with NaN, before each step, every byte of the arena that holds no
// value alive: a kernel that reads what another value has taken over shows in the outputs.
std::vector<Tensor> run_poisoned(test::GraphRunner& runner, const test::StepTables& step, const Tensor& x) {
  const Program& program = runner.program();
  Buffer arena = Buffer::heap(program.arena_bytes), workspace = Buffer::heap(program.workspace_bytes);
  std::memset(arena.mutable_data(), 0xff, arena.size());
  ThreadPool pool(1);
  std::vector<const void*> inputs;
  for (const Program::Port& port : program.inputs)
    inputs.push_back(port.name == "positions" ? step.positions.data() : x.data<void>());
  std::vector<std::int64_t> symbols;
  for (const std::string& name : program.symbols)
    symbols.push_back(name == "tokens" ? step.tokens() : step.sequences());
  const std::vector<RaggedAxis> axes(program.ragged_axes.size(), RaggedAxis{step.segments});
  const Batch batch{axes, step.slots, step.cache};
  ExecContext context;
  context.arena = arena.mutable_data();
  context.inputs = inputs;
  context.weights = runner.executor().bindings().weights();
  context.symbols = symbols;
  context.batch = &batch;
  context.pool = &pool;
  context.table = program.table;
  const auto poison_dead = [&](int now) {
    std::vector<bool> alive(arena.size(), false);
    for (const Program::Placement& p : program.placements)
      if (p.first < now && now <= p.last)
        std::fill_n(alive.begin() + static_cast<std::ptrdiff_t>(p.offset), p.bytes, true);
    for (std::size_t i = 0; i < alive.size(); ++i)
      if (!alive[i]) arena.mutable_data()[i] = std::byte{0xff};
    std::memset(workspace.mutable_data(), 0xff, workspace.size());
  };
  int now = 0;
  for (const Program::Step& kernel : program.steps) {
    poison_dead(now++);
    context.workspace = workspace.mutable_data();
    kernel.kernel.run(kernel.kernel.parameters.get(), context);
  }
  poison_dead(now);
  std::vector<Tensor> outputs;
  for (const Program::Port& port : program.outputs) {
    std::vector<std::int64_t> dims;
    for (const Extent& extent : port.shape) dims.push_back(extent(context));
    outputs.push_back(test::copy_of({port.place.resolve(context), port.type.dtype, Shape(std::move(dims))}));
  }
  return outputs;
}

TEST(ArenaReuse, DeadBytesAreNeverRead) {
  for (const Graph& graph : {test::small_decoder(), test::small_encoder()}) {
    CompileOptions fused, tapped, int8;
    tapped.keep = {"hidden.0"};
    int8.precision = Arithmetic::kInt8;
    for (const CompileOptions& options : {test::as_built(), fused, tapped, int8}) {
      test::GraphRunner runner(graph, options);
      const test::StepTables step = test::ragged({3, 1, 18});
      const Tensor x = test::random_tensor({22, 32}, 4);
      const auto expected = runner.run(step, {{"x", x}});
      const auto poisoned = run_poisoned(runner, step, x);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_FALSE(std::isnan(expected[i].span<float>()[0]));
        EXPECT_TRUE(test::same_bits(poisoned[i], expected[i])) << "output " << i;
      }
    }
  }
}

}  // namespace
}  // namespace swiftlet
