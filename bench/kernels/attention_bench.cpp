// Attention of the shapes that encoders, prefill and decode have, on one thread and on all; with the
// percentage of the multiply-add peak that was measured on one core in the same run.
#include <benchmark/benchmark.h>

#include <map>
#include <numeric>
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
  bool bf16;  // products, where the table has them
};

std::vector<Shape> shapes() {
  std::vector<int> ragged;  // sentences of 5 to 60 tokens, mostly short
  for (std::uint64_t s = 0; s < 64; ++s)
    ragged.push_back(5 + static_cast<int>(55 * uniform(1, s, 0) * uniform(1, s, 1)));
  return {
      {"minilm_ragged_5_60", 12, 12, 32, false, ragged, ragged, DType::kF32, false, false},
      {"minilm_8_of_25", 12, 12, 32, false, std::vector<int>(8, 25), std::vector<int>(8, 25), DType::kF32,
       false, false},
      {"minilm_8_of_25_bf16", 12, 12, 32, false, std::vector<int>(8, 25), std::vector<int>(8, 25),
       DType::kF32, false, true},
      {"minilm_256", 12, 12, 32, false, {256, 256}, {256, 256}, DType::kF32, false, false},
      {"minilm_256_bf16", 12, 12, 32, false, {256, 256}, {256, 256}, DType::kF32, false, true},
      {"prefill_512_d64", 14, 2, 64, true, {512}, {512}, DType::kBF16, true, true},
      {"prefill_2048_d64", 14, 2, 64, true, {2048}, {2048}, DType::kBF16, true, true},
      {"prefill_2048_d128", 8, 8, 128, true, {2048}, {2048}, DType::kBF16, true, true},
      {"prefill_512_d64_int8", 14, 2, 64, true, {512}, {512}, DType::kI8, true, true},
      {"decode_512_d64", 14, 2, 64, true, {1}, {512}, DType::kBF16, true, true},
      {"decode_2048_d64", 14, 2, 64, true, {1}, {2048}, DType::kBF16, true, true},
      {"decode_4096_d64", 14, 2, 64, true, {1}, {4096}, DType::kBF16, true, true},
      {"decode_4096_d64_int8", 14, 2, 64, true, {1}, {4096}, DType::kI8, true, true},
      {"decode_4096_d64_f32", 14, 2, 64, true, {1}, {4096}, DType::kF32, true, false},
      // The same with keys in rows: what transposed keys save.
      {"decode_4096_d64_f32_key_rows", 14, 2, 64, true, {1}, {4096}, DType::kF32, false, false},
      {"decode_4096_8_heads_d128", 8, 8, 128, true, {1}, {4096}, DType::kBF16, true, true},
      {"decode_8_of_512", 9, 3, 64, true, std::vector<int>(8, 1), std::vector<int>(8, 512), DType::kBF16,
       true, true},
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
    const std::int64_t width = shape.heads * shape.head_dim, kv_width = shape.kv_heads * shape.head_dim;
    q = random_values(rows * width), y = random_values(rows * width);
    k = random_values(keys * kv_width), v = random_values(keys * kv_width);
    if (shape.paged) page(shape, keys);
    args.q = reinterpret_cast<const float*>(q.data()), args.ldq = width;
    args.y = reinterpret_cast<float*>(y.mutable_data()), args.ldy = width;
    args.kv = {k.data(), v.data(), shape.dtype, kv_width, kv_width, shape.paged};
    args.bf16 = shape.bf16;
    args.segments = segments.data(), args.segment_count = static_cast<int>(segments.size());
  }

  static Buffer random_values(std::int64_t count) {
    Buffer buffer = Buffer::heap(static_cast<std::size_t>(count) * sizeof(float));
    auto* values = reinterpret_cast<float*>(buffer.mutable_data());
    for (std::int64_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(2 * uniform(7, 0, static_cast<std::uint64_t>(i)) - 1);
    return buffer;
  }

  // Moves keys and values from rows to a cache, in the order of the rows.
  void page(const Shape& shape, std::int64_t keys) {
    const auto cache_of = [&] {
      return Buffer::heap(static_cast<std::size_t>(keys / kKeyBlock * shape.kv_heads *
                                                   cache_head_bytes(shape.dtype, shape.head_dim)));
    };
    Buffer key_cache = cache_of(), value_cache = cache_of();
    std::vector<std::int64_t> slots(static_cast<std::size_t>(keys));
    std::iota(slots.begin(), slots.end(), 0);
    const std::int64_t width = shape.kv_heads * shape.head_dim;
    cache_append_rows({.k = reinterpret_cast<const float*>(k.data()),
                       .v = reinterpret_cast<const float*>(v.data()),
                       .ldk = width,
                       .ldv = width,
                       .rows = keys,
                       .kv_heads = shape.kv_heads,
                       .head_dim = shape.head_dim,
                       .value_dim = shape.head_dim,
                       .slots = slots.data(),
                       .dtype = shape.dtype,
                       .key_cache = key_cache.mutable_data(),
                       .value_cache = value_cache.mutable_data()});
    k = std::move(key_cache), v = std::move(value_cache);
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
