// Matrix products of the shapes that models have. Counters, from the best iteration (other load on the
// machine spoils a mean): Gop/s (multiplications and additions), GB/s of weights, and the percentage of this
// machine's peak of the arithmetic, or of its read bandwidth where few rows make memory the limit. The peaks
// are measured right before each case, on the same threads, with the machine's best instructions whatever the
// table.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/kernels/bench_common.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear.h"

namespace swiftlet::bench {
namespace {

using namespace swiftlet::kernels;

struct Case {
  Arithmetic arithmetic;
  const char* encoding;
  std::int64_t m, n, k;
  Activation activation = Activation::kNone;
};

// Weights of a memory-bound case, as many as pass the caches before one comes round again.
std::vector<Weight> weights_for(const Case& c) {
  const Weight first = random_weight(c.encoding, c.n, c.k, 1);
  std::vector<Weight> weights{first};
  if (c.m > kMemoryBound) return weights;
  for (std::int64_t bytes = first.bytes(); bytes < (std::int64_t{192} << 20); bytes += first.bytes()) {
    Weight copy = first;
    copy.codes = Buffer::heap(first.codes.size());
    std::copy_n(first.codes.data(), first.codes.size(), copy.codes.mutable_data());
    weights.push_back(std::move(copy));
  }
  return weights;
}

void run(benchmark::State& state, const KernelTable& table, const Case& c, int threads) {
  ThreadPool pool(threads);
  const std::vector<Weight> weights = weights_for(c);
  const std::vector<float> x = random_values(c.m * c.k, 2);
  Buffer y =
      Buffer::heap(static_cast<std::size_t>(c.m * c.n) * sizeof(float));  // on cache lines, as in an arena
  LinearOutput output{.weight = panel_view(weights[0]),
                      .activation = c.activation,
                      .y = reinterpret_cast<float*>(y.mutable_data()),
                      .ldy = c.n};
  Buffer workspace = Buffer::heap(linear_workspace(table, threads, c.arithmetic, {&output, 1}, c.m));
  const double peak = limit_of(c.m, c.arithmetic, pool);
  double best = 1e9;
  std::size_t next = 0;
  for (auto _ : state) {
    output.weight = panel_view(weights[next++ % weights.size()]);
    const double begin = seconds_now(threads);
    linear(table, pool, c.arithmetic, x.data(), c.k, c.m, {&output, 1}, workspace.mutable_data());
    best = std::min(best, seconds_now(threads) - begin);
  }
  const double ops = 2.0 * static_cast<double>(c.m) * static_cast<double>(c.n) * static_cast<double>(c.k);
  const double bytes = static_cast<double>(weights[0].bytes());
  report(state, c.m, ops, bytes, best, peak);
}

constexpr Arithmetic kF32 = Arithmetic::kF32, kBF16 = Arithmetic::kBF16, kInt8 = Arithmetic::kInt8;
const Case kCases[] = {
    // Sentence batches of MiniLM-L6: hidden 384, feed-forward 1536.
    {kInt8, "int8", 504, 384, 384},
    {kInt8, "int8", 1000, 1152, 384},
    {kInt8, "int8", 1000, 1536, 384, Activation::kGelu},
    {kInt8, "int8", 1000, 384, 1536},
    {kF32, "f32", 504, 384, 384},
    {kF32, "f32", 1000, 1536, 384, Activation::kGelu},
    {kF32, "f32", 1000, 384, 1536},
    {kBF16, "bf16", 1000, 1536, 384},
    // Prefill of a decoder of half a billion weights.
    {kInt8, "int8", 504, 4864, 896},
    {kInt8, "int8", 504, 896, 4864},
    {kInt8, "int8-g32", 504, 4864, 896},
    {kInt8, "int4-g32", 504, 4864, 896},
    {kInt8, "int4-g128-asym", 504, 4864, 896},
    {kF32, "f32", 504, 4864, 896},
    {kF32, "int4-g32", 504, 4864, 896},
    {kBF16, "bf16", 504, 4864, 896},
    {kBF16, "bf16", 504, 896, 4864},
    // Blocks of GGUF files, in a shape whose rows they divide.
    {kInt8, "int8-g32", 504, 8960, 1536},
    {kInt8, "int4-g32", 504, 8960, 1536},
    {kInt8, "q4_k", 504, 8960, 1536},
    {kInt8, "q5_k", 504, 8960, 1536},
    {kInt8, "q6_k", 504, 8960, 1536},
    {kInt8, "q5_0", 504, 8960, 1536},
    {kInt8, "q4_r", 504, 4864, 896},
    {kInt8, "int4-g32", 1, 8960, 1536},
    {kInt8, "q4_k", 1, 8960, 1536},
    {kInt8, "q5_k", 1, 8960, 1536},
    {kInt8, "q6_k", 1, 8960, 1536},
    {kInt8, "q5_0", 1, 8960, 1536},
    {kInt8, "q4_r", 1, 8960, 1536},
    {kInt8, "int4-g32", 4, 8960, 1536},
    {kInt8, "q4_k", 4, 8960, 1536},
    {kInt8, "q6_k", 4, 8960, 1536},
    // Its decode steps.
    {kInt8, "int8", 1, 4864, 896},
    {kInt8, "int4-g32", 1, 4864, 896},
    {kInt8, "int4-g32", 4, 4864, 896},
    // And those of 16 sequences together.
    {kInt8, "int8", 16, 4864, 896},
    {kInt8, "int4-g32", 16, 4864, 896},
    {kBF16, "bf16", 1, 4864, 896},
    {kF32, "f32", 1, 4864, 896},
    {kF32, "f16", 1, 4864, 896},
    {kF32, "int8", 1, 4864, 896},
    {kF32, "int8", 4, 4864, 896},
    {kF32, "int8", 8, 4864, 896},
    {kF32, "int4-g32", 1, 4864, 896},
    {kF32, "int4-g32", 4, 4864, 896},
    {kF32, "int4-g32", 8, 4864, 896},
    {kF32, "bf16", 1, 4864, 896},
    {kF32, "bf16", 8, 4864, 896},
};

const bool registered = [] {
  for (const KernelTable* table : available_tables()) {
    if (table->isa == "scalar") continue;
    for (const Case& c : kCases) {
      if (!linear_supported(*table, c.arithmetic, *parse_encoding(c.encoding))) continue;
      for (const int threads : {1, available_cores()}) {
        const std::string name =
            fmt::format("linear/{}/{}x{}/m:{}/n:{}/k:{}{}/threads:{}", table->isa, to_string(c.arithmetic),
                        c.encoding, c.m, c.n, c.k, c.activation == Activation::kNone ? "" : "/gelu", threads);
        benchmark::RegisterBenchmark(
            name.c_str(), [table, c, threads](benchmark::State& state) { run(state, *table, c, threads); })
            ->UseRealTime()
            ->MinTime(0.2);
        if (threads == available_cores()) break;
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace swiftlet::bench
