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
// With this many parts for each member, or as many equal ones, parts alone keep the pool busy.
constexpr std::int64_t kPartsPerThread = 4;

std::int64_t states_floats(const AttentionSpec& spec) {
  return pairs_at_once(spec) * state_floats(spec);
}

// Of one member: the states of a chunk, those of the chunks before it, and what the kernels ask for.
std::int64_t member_bytes(const AttentionSpec& spec) {
  const std::int64_t kernels =
      larger(carve_scratch(spec, nullptr).bytes, carve_bf16_scratch(spec, nullptr).bytes);
  return 2 * states_floats(spec) * static_cast<std::int64_t>(sizeof(float)) + kernels;
}

std::int64_t chunks_of(const Segment& segment) {
  return larger(1, (std::int64_t{segment.keys} + kKeyChunk - 1) / kKeyChunk);
}

struct Batch {
  const KernelTable& table;
  ThreadPool& pool;
  const AttentionArgs& args;
  std::byte* workspace;

  float* member_states(int member) const {
    return reinterpret_cast<float*>(workspace + member * member_bytes(args.spec));
  }
  float* member_totals(int member) const { return member_states(member) + states_floats(args.spec); }
  std::byte* scratch(int member) const {
    return reinterpret_cast<std::byte*>(member_totals(member) + states_floats(args.spec));
  }
  // Behind the members' memory: the totals of a split, then the states of its chunks.
  float* split_totals() const { return member_states(pool.size()); }
  float* split_states() const { return split_totals() + states_floats(args.spec); }

  void attend_chunk(const AttentionPart& part, std::int64_t chunk, int member, float* states) const {
    const AttentionKernels& kernels = table.attention;
    const bool bf16 =
        args.bf16 && kernels.attend_chunk_bf16 != nullptr && !(args.kv.paged && args.kv.dtype == DType::kF32);
    (bf16 ? kernels.attend_chunk_bf16 : kernels.attend_chunk)(args, part, chunk, scratch(member), states);
  }

  // A part from all its keys. Chunks that no row sees are left out: their states would be empty, and merging
  // those changes nothing.
  void attend(const AttentionPart& part, int member) const {
    const Segment& segment = args.segments[part.segment];
    const std::int64_t pairs = (part.query_end - part.query_begin) * heads_per_group(args.spec);
    const std::int64_t first = visible_keys(args.spec, segment, part.query_begin).begin / kKeyChunk;
    const std::int64_t end = visible_keys(args.spec, segment, part.query_end - 1).end;
    float* totals = member_totals(member);
    attend_chunk(part, first, member, totals);
    for (std::int64_t chunk = first + 1; chunk * kKeyChunk < end; ++chunk) {
      attend_chunk(part, chunk, member, member_states(member));
      table.attention.merge(args, pairs, member_states(member), false, totals);
    }
    table.attention.finish(args, part, totals);
  }
};

std::int64_t rows_of(const Segment& segment) {
  return std::int64_t{segment.query_end} - segment.query_begin;
}

// Work of one part, in units of one query meeting one key; the constants stand for the fixed work of a row
// and of the part.
double part_cost(const AttentionSpec& spec, const Segment& segment, std::int64_t begin, std::int64_t end) {
  const KeyRange keys = visible_keys(spec, segment, end - 1);
  return static_cast<double>(end - begin) * (static_cast<double>(keys.end - keys.begin) + 8.0) + 64.0;
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
        visit(AttentionPart{s, head, row, end}, part_cost(args.spec, segment, row, end));
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
      if (at >= begin && at < end) batch.attend(part, member);
      at += cost;
    });
  });
}

// Few queries over many keys: units of (key/value head, chunk), in rounds of as many as there are states for.
void run_split(const Batch& batch, int s) {
  const Segment& segment = batch.args.segments[s];
  const AttentionSpec& spec = batch.args.spec;
  const AttentionKernels& kernels = batch.table.attention;
  const std::int64_t chunks = chunks_of(segment), units = spec.kv_heads * chunks;
  const std::int64_t pairs = rows_of(segment) * heads_per_group(spec), floats = pairs * state_floats(spec);
  const std::int64_t capacity = kStatesPerThread * batch.pool.size() * states_floats(spec) / floats;
  const auto part_of = [&](std::int64_t unit) {
    return AttentionPart{s, static_cast<int>(unit / chunks), segment.query_begin, segment.query_end};
  };
  for (std::int64_t first = 0; first < units; first += capacity) {
    const std::int64_t count = smaller(capacity, units - first);
    batch.pool.run([&](int member) {
      for (std::int64_t i = member; i < count; i += batch.pool.size())
        batch.attend_chunk(part_of(first + i), (first + i) % chunks, member,
                           batch.split_states() + i * floats);
    });
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t chunk = (first + i) % chunks;
      kernels.merge(batch.args, pairs, batch.split_states() + i * floats, chunk == 0, batch.split_totals());
      if (chunk == chunks - 1) kernels.finish(batch.args, part_of(first + i), batch.split_totals());
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

// Keys go transposed into their block, see KeyValues.
void append_f32_row(const CacheAppendArgs& args, std::int64_t row) {
  const std::int64_t slot = args.slots[row], block = slot / kKeyBlock, offset = slot % kKeyBlock;
  for (std::int64_t head = 0; head < args.kv_heads; ++head) {
    const std::int64_t place = block * args.kv_heads + head;
    const float* k = args.k + row * args.ldk + head * args.head_dim;
    const float* v = args.v + row * args.ldv + head * args.value_dim;
    float* keys = static_cast<float*>(args.key_cache) + place * args.head_dim * kKeyBlock + offset;
    float* values = static_cast<float*>(args.value_cache) + (place * kKeyBlock + offset) * args.value_dim;
    for (std::int64_t d = 0; d < args.head_dim; ++d) keys[d * kKeyBlock] = k[d];
    for (std::int64_t e = 0; e < args.value_dim; ++e) values[e] = v[e];
  }
}

// Visits the elements of a row, rounded to bf16, some at a time: visit(first, count, halves). In two steps,
// so that the compiler can round with vectors.
template <class Visit>
void for_rounded(const float* x, std::int64_t size, Visit&& visit) {
  constexpr std::int64_t kSome = 64;
  std::uint32_t halves[kSome];
  for (std::int64_t first = 0; first < size; first += kSome) {
    const std::int64_t count = smaller(kSome, size - first);
    for (std::int64_t i = 0; i < count; ++i) halves[i] = f32_to_bf16(x[first + i]);
    visit(first, count, halves);
  }
}

// The words of a head in a cache block.
std::uint32_t* bf16_block(void* cache, std::int64_t place, std::int64_t size) {
  return reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(cache) +
                                          place * cache_head_bytes(DType::kBF16, size));
}

void append_bf16_row(const CacheAppendArgs& args, std::int64_t row) {
  constexpr std::int64_t kHalf = kKeyBlock / 2;
  const std::int64_t slot = args.slots[row], block = slot / kKeyBlock, offset = slot % kKeyBlock;
  for (std::int64_t head = 0; head < args.kv_heads; ++head) {
    const std::int64_t place = block * args.kv_heads + head;
    std::uint32_t* keys = bf16_block(args.key_cache, place, args.head_dim) + offset;
    for_rounded(args.k + row * args.ldk + head * args.head_dim, args.head_dim,
                [&](std::int64_t first, std::int64_t count, const std::uint32_t* halves) {
                  for (std::int64_t i = 0; i < count; i += 2)
                    keys[(first + i) / 2 * kKeyBlock] =
                        halves[i] | (i + 1 < count ? halves[i + 1] << 16 : 0u);
                });
    auto* values = reinterpret_cast<std::uint16_t*>(bf16_block(args.value_cache, place, args.value_dim) +
                                                    offset % kHalf * args.value_dim) +
                   offset / kHalf;
    for_rounded(args.v + row * args.ldv + head * args.value_dim, args.value_dim,
                [&](std::int64_t first, std::int64_t count, const std::uint32_t* halves) {
                  for (std::int64_t i = 0; i < count; ++i)
                    values[2 * (first + i)] = static_cast<std::uint16_t>(halves[i]);
                });
  }
}

void append_int8_row(const CacheAppendArgs& args, std::int64_t row) {
  const std::int64_t slot = args.slots[row], block = slot / kKeyBlock, offset = slot % kKeyBlock;
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
  const auto append_row = args.dtype == DType::kI8     ? append_int8_row
                          : args.dtype == DType::kBF16 ? append_bf16_row
                                                       : append_f32_row;
  for (std::int64_t row = begin; row < end; ++row)
    if (args.slots[row] >= 0) append_row(args, row);
}

}  // namespace

std::size_t attention_workspace(const AttentionSpec& spec, int threads) {
  const std::int64_t split = (threads * kStatesPerThread + 1) * states_floats(spec);
  return static_cast<std::size_t>(threads * member_bytes(spec)) +
         static_cast<std::size_t>(split) * sizeof(float);
}

void attention(const KernelTable& table, ThreadPool& pool, const AttentionArgs& args,
               std::byte* workspace) noexcept {
  const Batch batch{table, pool, args, workspace};
  std::int64_t parts = 0;
  for (int s = 0; s < args.segment_count; ++s)
    parts += args.spec.kv_heads *
             ((rows_of(args.segments[s]) + rows_at_once(args.spec) - 1) / rows_at_once(args.spec));
  const bool busy = pool.size() == 1 || parts >= kPartsPerThread * pool.size() ||
                    (args.segment_count == 1 && parts % pool.size() == 0);
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
