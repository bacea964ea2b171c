// A step of a program allocates nothing.
#include <cstdlib>
#include <memory>

#include "tests/allocation/count_allocations.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

TEST(Executor, TheCounterCounts) {
  const long before = test::allocations();
  void* volatile data = ::operator new(1);  // volatile: or a compiler leaves both calls out
  EXPECT_GT(test::allocations(), before);
  ::operator delete(data);
}

TEST(Executor, AStepAllocatesNothing) {
  for (const auto& [graph, paged] : {std::pair{test::small_decoder(), true},
                                     {test::small_decoder(), false},
                                     {test::small_encoder(), false}}) {
    for (const int threads : {1, 2}) {
      CompileOptions options;
      options.paged_cache = paged;
      test::GraphRunner runner(graph, options, nullptr, threads);
      const Program& program = runner.program();
      test::TestCache cache(program, 3, 64);
      const test::StepTables step = paged ? cache.step({5, 1, 33}) : test::ragged({5, 1, 33});
      runner.run(step);
      const Tensor x = test::random_tensor({step.tokens(), 32}, 1);
      std::vector<const void*> inputs{x.data<void>(), step.positions.data()};
      inputs.resize(program.inputs.size());
      std::vector<std::int64_t> symbols;
      for (const std::string& name : program.symbols)
        symbols.push_back(name == "tokens" ? step.tokens() : step.sequences());
      const std::vector<RaggedAxis> axes{{step.segments}};
      const StepInputs bound{inputs, symbols, {.axes = axes, .cache_slots = step.slots, .cache = step.cache}};
      const long before = test::allocations();
      runner.executor().run(bound);
      EXPECT_EQ(test::allocations(), before);
    }
  }
}

}  // namespace
}  // namespace swiftlet
