// Attention of the shapes that encoders, prefill and decode have, on one thread and on all; with the
// percentage of the multiply-add peak that was measured on one core in the same run.
#include <benchmark/benchmark.h>

#include <cstring>
#include <map>
#include <vector>

#include "bench/kernels/fma_peak.h"
#include "swiftlet/core/buffer.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/kernels/attention.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::bench {
namespace {

using namespace swiftlet::kernels;

double peak_of(std::string_view isa) {
  static std::map<std::string_view, double> peaks;
  const auto [at, fresh] = peaks.try_emplace(isa, 0.0);
  if (fresh) at->second = measured_fma_peak(isa);
  return at->second;
}

struct Shape {
  const char* name;
  int heads, kv_heads, head_dim;
  bool causal;
  std::vector<int> queries, keys;  // per sequence
  DType dtype;
  bool paged;
};

std::vector<Shape> shapes() {
  std::vector<int> ragged;  // sentences of 5 to 60 tokens, mostly short
  for (std::uint64_t s = 0; s < 64; ++s)
    ragged.push_back(5 + static_cast<int>(55 * uniform(1, s, 0) * uniform(1, s, 1)));
  return {
      {"minilm_ragged_5_60", 12, 12, 32, false, ragged, ragged, DType::kF32, false},
      {"minilm_8_of_25", 12, 12, 32, false, std::vector<int>(8, 25), std::vector<int>(8, 25), DType::kF32,
       false},
      {"minilm_256", 12, 12, 32, false, {256, 256}, {256, 256}, DType::kF32, false},
      {"prefill_512_d64", 14, 2, 64, true, {512}, {512}, DType::kBF16, true},
      {"prefill_2048_d128", 8, 8, 128, true, {2048}, {2048}, DType::kBF16, true},
      {"decode_4096_grouped", 14, 2, 64, true, {1}, {4096}, DType::kBF16, true},
      {"decode_4096_grouped_int8", 14, 2, 64, true, {1}, {4096}, DType::kI8, true},
      // The same with keys in rows: what transposed keys save.
      {"decode_4096_grouped_key_rows", 14, 2, 64, true, {1}, {4096}, DType::kBF16, false},
      {"decode_4096_heads_6_d48", 6, 6, 48, true, {1}, {4096}, DType::kF32, true},
      {"decode_4096_heads_6_d48_key_rows", 6, 6, 48, true, {1}, {4096}, DType::kF32, false},
      {"decode_8_of_512", 9, 3, 64, true, std::vector<int>(8, 1), std::vector<int>(8, 512), DType::kBF16,
       true},
  };
}

// All memory of a problem; values are arbitrary but of ordinary size.
struct Problem {
  AttentionArgs args;
  std::vector<Segment> segments;
  std::vector<std::int32_t> blocks;
  Buffer q, k, v, y;
  double flops = 0, bytes = 0;

  explicit Problem(const Shape& shape) {
    AttentionSpec& spec = args.spec;
    spec = {.heads = shape.heads,
            .kv_heads = shape.kv_heads,
            .head_dim = shape.head_dim,
            .value_dim = shape.head_dim,
            .scale = 0.125f,
            .causal = shape.causal};
    std::int32_t rows = 0, keys = 0;
    for (std::size_t s = 0; s < shape.queries.size(); ++s) {
      segments.push_back({.query_begin = rows,
                          .query_end = rows + shape.queries[s],
                          .key_begin = keys,
                          .keys = shape.keys[s]});
      rows += shape.queries[s];
      keys += (shape.keys[s] + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
      for (int i = 0; i < shape.queries[s]; ++i)
        flops += 4.0 * shape.heads * shape.head_dim *
                 (shape.causal ? shape.keys[s] - shape.queries[s] + i + 1 : shape.keys[s]);
      bytes += 2.0 * shape.keys[s] * shape.kv_heads *
               static_cast<double>(cache_head_bytes(shape.dtype, shape.head_dim)) / kKeyBlock;
    }
    for (std::int32_t b = 0; b < keys / kKeyBlock; ++b) blocks.push_back(b);
    for (Segment& segment : segments) segment.blocks = blocks.data() + segment.key_begin / kKeyBlock;
    const auto fill = [](std::int64_t count, DType dtype) {
      Buffer buffer = Buffer::heap(static_cast<std::size_t>(count) * dtype_size(dtype));
      for (std::int64_t i = 0; i < count; ++i) {
        const auto value = static_cast<float>(2 * uniform(7, 0, static_cast<std::uint64_t>(i)) - 1);
        std::uint32_t bits;
        std::memcpy(&bits, &value, 4);
        const auto half = static_cast<std::uint16_t>(bits >> 16);
        std::memcpy(buffer.mutable_data() + i * static_cast<std::int64_t>(dtype_size(dtype)),
                    dtype == DType::kBF16 ? static_cast<const void*>(&half) : &value, dtype_size(dtype));
      }
      return buffer;
    };
    const std::int64_t width = shape.heads * shape.head_dim, kv_width = shape.kv_heads * shape.head_dim;
    q = fill(rows * width, DType::kF32), y = fill(rows * width, DType::kF32);
    if (shape.dtype == DType::kI8)  // filled as f32: whatever the codes, the scales are ordinary numbers
      k = v = fill(keys / kKeyBlock * shape.kv_heads * cache_head_bytes(DType::kI8, shape.head_dim) / 4,
                   DType::kF32);
    else
      k = fill(keys * kv_width, shape.dtype), v = fill(keys * kv_width, shape.dtype);
    args.q = reinterpret_cast<const float*>(q.data()), args.ldq = width;
    args.y = reinterpret_cast<float*>(y.mutable_data()), args.ldy = width;
    args.kv = {k.data(), v.data(), shape.dtype, kv_width, kv_width, shape.paged};
    args.segments = segments.data(), args.segment_count = static_cast<int>(segments.size());
  }
};

void run_attention(benchmark::State& state, const KernelTable& table, const Shape& shape, int threads) {
  Problem problem(shape);
  ThreadPool pool(threads);
  Buffer workspace = Buffer::heap(attention_workspace(problem.args.spec, pool.size()));
  for (auto _ : state) attention(table, pool, problem.args, workspace.mutable_data());
  const double flops = problem.flops * static_cast<double>(state.iterations());
  const double bytes = problem.bytes * static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["flops"] = Counter(flops, Counter::kIsRate);
  state.counters["cache_bytes"] = Counter(bytes, Counter::kIsRate, Counter::kIs1024);
  state.counters["percent_of_peak"] =
      Counter(100 * flops / peak_of(table.isa) / pool.size(), Counter::kIsRate);
}

const int kRegistered = [] {
  for (const KernelTable* table : available_tables())
    for (const Shape& shape : shapes())
      for (const int threads : {1, available_cores()}) {
        if (table->isa == "scalar" && threads > 1) continue;
        const std::string name =
            "attention/" + std::string(table->isa) + "/" + shape.name + "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), [table, shape, threads](benchmark::State& state) {
          run_attention(state, *table, shape, threads);
        })->UseRealTime();
      }
  return 0;
}();

}  // namespace
}  // namespace swiftlet::bench
