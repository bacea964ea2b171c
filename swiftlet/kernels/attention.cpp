// The driver of attention: splits a batch over the pool; appends to the paged cache. Portable.
#include "swiftlet/kernels/attention.h"

#include <cmath>
#include <limits>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/kernels/generic/attention_parts.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {
namespace {

// States of chunks that one round of a split may hold, for each member of the pool.
constexpr std::int64_t kStatesPerThread = 2;
// With this many parts for each member, parts alone keep the pool busy.
constexpr std::int64_t kPartsPerThread = 4;

std::int64_t member_floats(const AttentionSpec& spec) {
  return carve_scratch(spec, nullptr).floats;
}

std::int64_t states_floats(const AttentionSpec& spec) {
  return pairs_at_once(spec) * state_floats(spec);
}

std::int64_t chunks_of(const Segment& segment) {
  return larger(1, (std::int64_t{segment.keys} + kKeyChunk - 1) / kKeyChunk);
}

struct Batch {
  const KernelTable& table;
  ThreadPool& pool;
  const AttentionArgs& args;
  std::byte* workspace;

  std::byte* scratch(int member) const {
    return workspace + member * member_floats(args.spec) * static_cast<std::int64_t>(sizeof(float));
  }
  // Behind the members' scratch: the states of a split, then its totals.
  float* states(std::int64_t index) const {
    return reinterpret_cast<float*>(scratch(pool.size())) + index * states_floats(args.spec);
  }
};

std::int64_t rows_of(const Segment& segment) {
  return std::int64_t{segment.query_end} - segment.query_begin;
}

// Work of one part, in units of one query meeting one key; the constant stands for the part's fixed work.
double part_cost(const Segment& segment, std::int64_t rows) {
  return static_cast<double>(rows) * (segment.keys + 8.0) + 64.0;
}

// Calls visit(part, cost) for every part of the segments that `select` wants, in a fixed order.
template <class Select, class Visit>
void for_each_part(const AttentionArgs& args, Select&& select, Visit&& visit) {
  const std::int64_t step = rows_at_once(args.spec);
  for (int s = 0; s < args.segment_count; ++s) {
    const Segment& segment = args.segments[s];
    if (!select(segment)) continue;
    for (int head = 0; head < args.spec.kv_heads; ++head)
      for (std::int64_t row = segment.query_begin; row < segment.query_end; row += step) {
        const std::int64_t end = smaller(segment.query_end, row + step);
        visit(AttentionPart{s, head, row, end}, part_cost(segment, end - row));
      }
  }
}

// Every member walks the list of parts and takes those that begin in its share of the total cost.
template <class Select>
void run_parts(const Batch& batch, Select&& select) {
  double total = 0;
  for_each_part(batch.args, select, [&](const AttentionPart&, double cost) { total += cost; });
  if (total == 0) return;
  batch.pool.run([&](int member) {
    const double begin = total * member / batch.pool.size();
    const double end = total * (member + 1) / batch.pool.size();
    double at = 0;
    for_each_part(batch.args, select, [&](const AttentionPart& part, double cost) {
      if (at >= begin && at < end) batch.table.attention.attend(batch.args, part, batch.scratch(member));
      at += cost;
    });
  });
}

// Few queries over many keys: units of (key/value head, chunk), in rounds of as many as there are states for.
void run_split(const Batch& batch, int s) {
  const Segment& segment = batch.args.segments[s];
  const AttentionKernels& kernels = batch.table.attention;
  const std::int64_t chunks = chunks_of(segment), units = batch.args.spec.kv_heads * chunks;
  const std::int64_t capacity = kStatesPerThread * batch.pool.size();
  const std::int64_t pairs = rows_of(segment) * heads_per_group(batch.args.spec);
  float* totals = batch.states(capacity);
  const auto part_of = [&](std::int64_t unit) {
    return AttentionPart{s, static_cast<int>(unit / chunks), segment.query_begin, segment.query_end};
  };
  for (std::int64_t first = 0; first < units; first += capacity) {
    const std::int64_t count = smaller(capacity, units - first);
    batch.pool.run([&](int member) {
      for (std::int64_t i = member; i < count; i += batch.pool.size())
        kernels.attend_chunk(batch.args, part_of(first + i), (first + i) % chunks, batch.scratch(member),
                             batch.states(i));
    });
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t chunk = (first + i) % chunks;
      kernels.merge(batch.args, pairs, batch.states(i), chunk == 0, totals);
      if (chunk == chunks - 1) kernels.finish(batch.args, part_of(first + i), totals);
    }
  }
}

// Writes the codes of `size` values, `stride` apart. Returns the scale.
float quantize_row(const float* x, std::int64_t size, std::int8_t* codes, std::int64_t stride) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float largest = 0;
  bool finite = true;
  for (std::int64_t i = 0; i < size; ++i) {
    finite = finite && std::fabs(x[i]) < kInfinity;
    largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
  }
  const float inverse = 127.0f / largest;
  const bool has_codes = finite && inverse < kInfinity;  // else all zeros, or as good as
  for (std::int64_t i = 0; i < size; ++i)
    codes[i * stride] = has_codes ? static_cast<std::int8_t>(std::lrint(x[i] * inverse)) : std::int8_t{0};
  if (!finite) return std::numeric_limits<float>::quiet_NaN();
  return has_codes ? largest / 127.0f : 0.0f;
}

template <class T>
T convert_to(float value);
template <>
float convert_to<float>(float value) {
  return value;
}
template <>
std::uint16_t convert_to<std::uint16_t>(float value) {
  return f32_to_bf16(value);
}

// Keys go transposed into their block, see KeyValues.
template <class T>
void append_row(const CacheAppendArgs& args, std::int64_t row) {
  const std::int64_t slot = args.slots[row];
  if (slot < 0) return;
  const std::int64_t block = slot / kKeyBlock, offset = slot % kKeyBlock;
  const float* k = args.k + row * args.ldk;
  const float* v = args.v + row * args.ldv;
  for (std::int64_t head = 0; head < args.kv_heads; ++head) {
    const std::int64_t place = block * args.kv_heads + head;
    T* keys = static_cast<T*>(args.key_cache) + place * args.head_dim * kKeyBlock + offset;
    T* values = static_cast<T*>(args.value_cache) + (place * kKeyBlock + offset) * args.value_dim;
    for (std::int64_t d = 0; d < args.head_dim; ++d)
      keys[d * kKeyBlock] = convert_to<T>(k[head * args.head_dim + d]);
    for (std::int64_t e = 0; e < args.value_dim; ++e) values[e] = convert_to<T>(v[head * args.value_dim + e]);
  }
}

void append_int8_row(const CacheAppendArgs& args, std::int64_t row) {
  const std::int64_t slot = args.slots[row];
  if (slot < 0) return;
  const std::int64_t block = slot / kKeyBlock, offset = slot % kKeyBlock;
  const auto codes_of = [&](void* cache, std::int64_t head, std::int64_t size) {
    return static_cast<std::int8_t*>(cache) +
           (block * args.kv_heads + head) * cache_head_bytes(DType::kI8, size);
  };
  const auto scales_of = [](std::int8_t* codes, std::int64_t size) {
    return reinterpret_cast<float*>(codes + kKeyBlock * size);
  };
  for (std::int64_t head = 0; head < args.kv_heads; ++head) {
    std::int8_t* keys = codes_of(args.key_cache, head, args.head_dim);
    std::int8_t* values = codes_of(args.value_cache, head, args.value_dim);
    scales_of(keys, args.head_dim)[offset] =
        quantize_row(args.k + row * args.ldk + head * args.head_dim, args.head_dim, keys + offset, kKeyBlock);
    scales_of(values, args.value_dim)[offset] = quantize_row(
        args.v + row * args.ldv + head * args.value_dim, args.value_dim, values + offset * args.value_dim, 1);
  }
}

void append_rows(const CacheAppendArgs& args, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    if (args.dtype == DType::kI8)
      append_int8_row(args, row);
    else if (args.dtype == DType::kBF16)
      append_row<std::uint16_t>(args, row);
    else
      append_row<float>(args, row);
  }
}

}  // namespace

std::size_t attention_workspace(const AttentionSpec& spec, int threads) {
  const std::int64_t floats =
      threads * member_floats(spec) + (threads * kStatesPerThread + 1) * states_floats(spec);
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void attention(const KernelTable& table, ThreadPool& pool, const AttentionArgs& args,
               std::byte* workspace) noexcept {
  const Batch batch{table, pool, args, workspace};
  std::int64_t parts = 0;
  for (int s = 0; s < args.segment_count; ++s)
    parts += args.spec.kv_heads *
             ((rows_of(args.segments[s]) + rows_at_once(args.spec) - 1) / rows_at_once(args.spec));
  const bool busy = pool.size() == 1 || parts >= kPartsPerThread * pool.size();
  const auto is_split = [&](const Segment& segment) {
    return !busy && chunks_of(segment) > 1 && rows_of(segment) <= rows_at_once(args.spec);
  };
  run_parts(batch, [&](const Segment& segment) { return !is_split(segment); });
  for (int s = 0; s < args.segment_count; ++s)
    if (is_split(args.segments[s]) && rows_of(args.segments[s]) > 0) run_split(batch, s);
}

void cache_append(ThreadPool& pool, const CacheAppendArgs& args) noexcept {
  pool.parallel_for(args.rows, 8,
                    [&](std::int64_t begin, std::int64_t end) { append_rows(args, begin, end); });
}

void cache_append_rows(const CacheAppendArgs& args) noexcept {
  append_rows(args, 0, args.rows);
}

}  // namespace swiftlet::kernels
