// Mixtures of experts of the shapes that models have, beside the dense products of linear_bench. Counters as
// there; the bytes are those of the experts that the rows chose.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "bench/kernels/bench_common.h"
#include "swiftlet/kernels/experts.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::bench {
namespace {

using namespace swiftlet::kernels;

struct Case {
  Arithmetic arithmetic;
  const char* encoding;
  std::int64_t rows, experts, chosen, hidden, width;
};

// Experts of one layer; all share their values but not their memory.
struct Layer {
  std::vector<Weight> weights;
  std::vector<Expert> experts;

  explicit Layer(const Case& c) {
    const Weight in = random_weight(c.encoding, c.width, c.hidden, 1);
    const Weight out = random_weight(c.encoding, c.hidden, c.width, 2);
    const auto add = [&](const Weight& weight) {
      weights.push_back(weight);
      weights.back().codes = Buffer::heap(weight.codes.size());
      std::copy_n(weight.codes.data(), weight.codes.size(), weights.back().codes.mutable_data());
      return ExpertMatrix{.weight = panel_view(weights.back()), .arithmetic = c.arithmetic};
    };
    for (std::int64_t e = 0; e < c.experts; ++e) experts.push_back({add(in), add(in), add(out)});
  }
};

void run(benchmark::State& state, const KernelTable& table, const Case& c, int threads) {
  ThreadPool pool(threads);
  const Layer layer(c);
  const std::vector<float> x = random_values(c.rows * c.hidden, 3);
  std::vector<float> scores = random_values(c.rows * c.experts, 4), gates(scores.size()), y(x.size());
  Buffer workspace = Buffer::heap(experts_workspace(table, threads, layer.experts, c.rows, c.chosen));
  const double peak = limit_of(c.rows, c.arithmetic, pool);
  double best = 1e9, bytes = 0;
  for (auto _ : state) {
    route({.chosen = c.chosen}, scores.data(), c.rows, c.experts, gates.data());
    std::set<std::size_t> read;
    for (std::size_t i = 0; i < gates.size(); ++i)
      if (gates[i] != 0) read.insert(i % static_cast<std::size_t>(c.experts));
    const double begin = seconds_now(threads);
    experts(table, pool,
            {.x = x.data(),
             .gates = gates.data(),
             .y = y.data(),
             .rows = c.rows,
             .experts = c.experts,
             .hidden = c.hidden,
             .width = c.width,
             .chosen = c.chosen,
             .gate = {},
             .expert =
                 [](const void* source, std::int64_t index) noexcept {
                   return (*static_cast<const std::vector<Expert>*>(source))[static_cast<std::size_t>(index)];
                 },
             .source = &layer.experts},
            workspace.mutable_data());
    const double seconds = seconds_now(threads) - begin;
    if (seconds < best)
      best = seconds, bytes = static_cast<double>(read.size()) *
                              static_cast<double>(2 * layer.weights[0].bytes() + layer.weights[2].bytes());
    std::rotate(scores.begin(), scores.begin() + 1, scores.end());  // other experts the next time
  }
  const double ops = 6.0 * static_cast<double>(c.rows * c.chosen) * static_cast<double>(c.hidden * c.width);
  report(state, c.rows, ops, bytes, best, peak);
}

constexpr Arithmetic kF32 = Arithmetic::kF32, kInt8 = Arithmetic::kInt8;
const Case kCases[] = {
    // Qwen 3 30B-A3B, a quarter of its experts: decode, some sequences, a prompt.
    {kInt8, "int4-g64", 1, 32, 8, 2048, 768},
    {kInt8, "int8", 1, 32, 8, 2048, 768},
    {kInt8, "int4-g64", 4, 32, 8, 2048, 768},
    {kInt8, "int4-g64", 256, 32, 8, 2048, 768},
    {kInt8, "int8", 256, 32, 8, 2048, 768},
    {kF32, "bf16", 1, 32, 8, 2048, 768},
    // Mixtral's choice of two, at half its width.
    {kInt8, "int8", 1, 8, 2, 2048, 7168},
};

const bool registered = [] {
  for (const KernelTable* table : available_tables()) {
    if (table->isa == "scalar") continue;
    for (const Case& c : kCases) {
      if (!linear_supported(*table, c.arithmetic, *parse_encoding(c.encoding))) continue;
      const int threads = available_cores();
      const std::string name = fmt::format(
          "experts/{}/{}x{}/rows:{}/of:{}/chosen:{}/hidden:{}/width:{}/threads:{}", table->isa,
          to_string(c.arithmetic), c.encoding, c.rows, c.experts, c.chosen, c.hidden, c.width, threads);
      benchmark::RegisterBenchmark(
          name.c_str(), [table, c, threads](benchmark::State& state) { run(state, *table, c, threads); })
          ->UseRealTime()
          ->MinTime(0.2);
    }
  }
  return true;
}();

}  // namespace
}  // namespace swiftlet::bench
