// What a parallel region costs when its threads are hot: the time beyond that of its longest part.
//
// Two parts of equal, known length; the region's time less that of a part alone is what starting and joining
// cost. A part long enough that the second thread comes to do its own, so that the caller does not run both.
#include <benchmark/benchmark.h>

#include <chrono>

#include "swiftlet/core/thread_pool.h"

namespace swiftlet::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A chain of dependent multiplications: the same time on every core, and no memory.
void work(int length) {
  std::uint64_t x = 1;
  for (int i = 0; i < length; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    benchmark::DoNotOptimize(x);
  }
}

void region_of_hot_threads(benchmark::State& state) {
  ThreadPool pool(static_cast<int>(state.range(0)));
  const int length = static_cast<int>(state.range(1));
  double alone = 1, region = 1;
  for (auto _ : state) {
    // The best of several, in turns: other load on the machine meets both alike.
    const auto begin = Clock::now();
    work(length);
    const auto between = Clock::now();
    pool.run([&](int) { work(length); });
    region = std::min(region, seconds_since(between));
    alone = std::min(alone, std::chrono::duration<double>(between - begin).count());
  }
  state.counters["part_us"] = alone * 1e6;
  state.counters["region_us"] = region * 1e6;
  state.counters["overhead_us"] = (region - alone) * 1e6;
}
BENCHMARK(region_of_hot_threads)
    ->ArgNames({"threads", "work"})
    ->ArgsProduct({{1, 2, 4}, {0, 1000, 10'000, 50'000}});

}  // namespace
}  // namespace swiftlet::bench
