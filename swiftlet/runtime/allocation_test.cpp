// A step allocates nothing: every operator new of this program is counted.
#include <cstdlib>
#include <new>

#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace {
thread_local long allocations = 0;
}

// Not inlined: a compiler that sees malloc and free behind new and delete takes them for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* data = std::malloc(bytes)) return data;
  throw std::bad_alloc();
}
// std::stable_sort asks for its buffer in this way and gives it back to the plain operator delete.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* data) noexcept {
  std::free(data);
}
[[gnu::noinline]] void operator delete(void* data, std::size_t) noexcept {
  std::free(data);
}

namespace swiftlet {
namespace {

TEST(Allocation, AStepAllocatesNothing) {
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
      const long before = allocations;
      runner.executor().run(bound);
      EXPECT_EQ(allocations, before);
    }
  }
}

}  // namespace
}  // namespace swiftlet
