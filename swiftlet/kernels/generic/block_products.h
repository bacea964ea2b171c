// Products in int8 with block formats (encoding/block_formats.h), and their decoding to f32. Included by one
// file per instruction set and use.
//
//   M tokens   N output channels   K input channels   R rows of a tile
//
// A block of a row gives two integers, both exact: the sum over its groups of scale * (sum of the products of
// codes, less zero point * sum of x codes), and that of offset * (sum of x codes). Two multiply-adds in f32
// take them into the total of the output, block after block: that order alone decides the bits.
//
// A tile meets one panel, whose blocks are one stream through memory. A unit is what one register holds of a
// word of sixteen rows: a panel or half of one. Lanes brings
//
//   kPerPanel, kLanes              units of a panel, rows of a unit
//   I, U, V                        registers of 32-bit integers, of codes (unsigned), of floats
//   U load(at)   V halves(at)   I bytes(at)        words; f16; signed bytes, each of the rows of a unit
//   U masked<m>(U)                                 every byte & m
//   I low_bytes(U)                                 of each word, unsigned
//   word(x)   add(I& sums, U codes, word)          for dot_tile of generic/tile.h
//   I add_pairs(I sums, U a, U b)                  plus the products of 16-bit halves
//   V fma(a, b, c)   end(job, row, unit, V total)
#pragma once

#include "swiftlet/encoding/q4_k.h"
#include "swiftlet/encoding/q5_0.h"
#include "swiftlet/encoding/q5_k.h"
#include "swiftlet/encoding/q6_k.h"
#include "swiftlet/kernels/generic/inner_loop.h"
#include "swiftlet/kernels/generic/int8_job.h"
#include "swiftlet/kernels/generic/tile.h"

namespace swiftlet::kernels {
namespace {

constexpr std::int64_t kFetchAhead = 4096;  // bytes, of few rows: the hardware alone runs too short ahead

template <class Lanes>
constexpr std::int64_t kUnitBytes = 64 / Lanes::kPerPanel;  // of a word

// f(i) for i = 0 .. kCount - 1 as constants.
template <int kValue>
struct Index {
  static constexpr int value = kValue;
};
template <int kCount, int kFrom = 0, class F>
[[gnu::always_inline]] constexpr inline void for_indices(F f) {
  if constexpr (kFrom < kCount) {
    f(Index<kFrom>());
    for_indices<kCount, kFrom + 1>(f);
  }
}

// A count that compilers do not know, so that they leave a loop of long bodies as it is.
[[gnu::always_inline]] inline int rolled(int count) {
  __asm__("" : "+r"(count));
  return count;
}

// Words of a group: f(i, codes of columns 4i .. 4i + 3). `group` points to the unit's share of its first 64
// bytes.

template <class Lanes, class F>
[[gnu::always_inline]] inline void for_words(Q4KBlocks, const std::byte* group, F f) {
  for_indices<4>([&](auto i) __attribute__((always_inline)) {
    const auto both = Lanes::load(group + i.value * 64);
    f(2 * i.value, Lanes::template masked<15>(both));
    f(2 * i.value + 1, Lanes::template masked<15>(both >> 4));
  });
}

template <class Lanes, class F>
[[gnu::always_inline]] inline void for_words(FiveBitGroup, const std::byte* group, F f) {
  const auto fifth = Lanes::load(group);
  for_indices<4>([&](auto i) __attribute__((always_inline)) {
    constexpr int kWord = 2 * i.value;
    const auto both = Lanes::load(group + FiveBitGroup::kNibbles + i.value * 64);
    const auto of_first = kWord < 4 ? fifth << (4 - kWord) : fifth >> (kWord - 4);
    const auto of_second = kWord < 3 ? fifth << (3 - kWord) : fifth >> (kWord - 3);
    f(kWord, Lanes::template masked<15>(both) | Lanes::template masked<16>(of_first));
    f(kWord + 1, Lanes::template masked<15>(both >> 4) | Lanes::template masked<16>(of_second));
  });
}
template <class Lanes, class F>
[[gnu::always_inline]] inline void for_words(Q5KBlocks, const std::byte* group, F f) {
  for_words<Lanes>(FiveBitGroup(), group, f);
}
template <class Lanes, class F>
[[gnu::always_inline]] inline void for_words(Q50Blocks, const std::byte* group, F f) {
  for_words<Lanes>(FiveBitGroup(), group, f);
}

template <class Lanes, class F>
[[gnu::always_inline]] inline void for_words(Q6KBlocks kind, const std::byte* group, F f) {
  const auto high = Lanes::load(group);
  const auto first = Lanes::load(group + kind.kNibbles), second = Lanes::load(group + kind.kNibbles + 64);
  f(0, Lanes::template masked<15>(first) | Lanes::template masked<48>(high << 4));
  f(1, Lanes::template masked<15>(first >> 4) | Lanes::template masked<48>(high << 2));
  f(2, Lanes::template masked<15>(second) | Lanes::template masked<48>(high));
  f(3, Lanes::template masked<15>(second >> 4) | Lanes::template masked<48>(high >> 2));
}

// Scales and offsets of q4_k and q5_k: those of groups 0..3 and 4..7 as the bytes of words.
template <class Lanes>
struct SixBits {
  typename Lanes::U scales[2], offsets[2];
};
template <class Lanes>
[[gnu::always_inline]] inline SixBits<Lanes> six_bits(const std::byte* block, int unit) {
  const std::byte* at = block + SixBitScales::kWords + unit * kUnitBytes<Lanes>;
  const auto w0 = Lanes::load(at), w1 = Lanes::load(at + 64), w2 = Lanes::load(at + 128);
  return {
      {Lanes::template masked<63>(w0), Lanes::template masked<15>(w2) | Lanes::template masked<48>(w0 >> 2)},
      {Lanes::template masked<63>(w1),
       Lanes::template masked<15>(w2 >> 4) | Lanes::template masked<48>(w1 >> 2)}};
}

template <class Lanes>
[[gnu::always_inline]] inline typename Lanes::V to_float(typename Lanes::I x) {
  return __builtin_convertvector(x, typename Lanes::V);
}
template <class Lanes>
[[gnu::always_inline]] inline typename Lanes::V d_of(const std::byte* block, int unit) {
  return Lanes::halves(block + unit * Lanes::kLanes * 2);
}

// The running totals of a tile and a panel.
template <int R>
struct Totals {
  alignas(64) float at[R][kPanelRows];
};
// Where a tile meets a block.
struct BlockJob {
  const std::byte* block;
  const std::uint32_t* x;    // its words of x
  const std::int32_t* sums;  // and their sums
};

// total of row r += factor * integers
template <class Lanes, int R>
[[gnu::always_inline]] inline void add_to_total(Totals<R>& totals, int r, int unit,
                                                typename Lanes::I integers, typename Lanes::V factor) {
  float* at = totals.at[r] + unit * Lanes::kLanes;
  typename Lanes::V total;
  __builtin_memcpy(&total, at, sizeof total);
  total = Lanes::fma(to_float<Lanes>(integers), factor, total);
  __builtin_memcpy(at, &total, sizeof total);
}

// Sums of products of one group. They start from -zero_point times the sums of the codes of x.
template <class Lanes, class Kind, int R>
[[gnu::always_inline]] inline Tile<typename Lanes::I, R, 1> dot_group(const std::byte* group,
                                                                      const std::uint32_t* x,
                                                                      const std::int32_t* sums) {
  using I = typename Lanes::I;
  constexpr std::int64_t kLines = (Kind::kGroupBytes + 63) / 64;
  if constexpr (R <= 4)
    for (std::int64_t line = 0; line < kLines; ++line)
      __builtin_prefetch(group + kFetchAhead + line * 64, 0, 2);
  Tile<I, R, 1> acc;
  for_tile(
      acc, [&](I & a, int r, int) __attribute__((always_inline)) {
        a = Kind::kZeroPoint == 0 ? I{} : -((I{} + sums[r]) * Kind::kZeroPoint);
      });
  for_words<Lanes>(
      Kind(), group, [&](int i, typename Lanes::U codes) __attribute__((always_inline)) {
        PerPanel<typename Lanes::U, 1> w;
        w.last = codes;
        dot_tile<Lanes>(acc, w, x + i * R);
      });
  return acc;
}

// sum += acc * scale
template <class Lanes, int R>
[[gnu::always_inline]] inline void add_products(Tile<typename Lanes::I, R, 1>& sum,
                                                const Tile<typename Lanes::I, R, 1>& acc,
                                                typename Lanes::I scale) {
  if constexpr (R > 0) {
    add_products<Lanes>(sum.before, acc.before, scale);
    sum.row.last += acc.row.last * scale;
  }
}
template <class Lanes, int R>
[[gnu::always_inline]] inline void clear(Tile<typename Lanes::I, R, 1>& sum) {
  for_tile(
      sum, [](typename Lanes::I & s, int, int) __attribute__((always_inline)) { s = typename Lanes::I{}; });
}

// The sums of two groups as halves of a word: they lie within 32 * 127.
inline std::uint32_t pair_of(std::int32_t low, std::int32_t high) {
  return (static_cast<std::uint32_t>(low) & 0xffffu) | static_cast<std::uint32_t>(high) << 16;
}

// One block of q4_k or q5_k.
template <class Lanes, int R, class Kind>
[[gnu::always_inline]] inline void add_six_bit_block(Kind, const BlockJob& job, int unit, Totals<R>& totals) {
  using U = typename Lanes::U;
  using I = typename Lanes::I;
  const std::byte* group = job.block + Kind::kCodes + unit * kUnitBytes<Lanes>;
  const std::uint32_t* x = job.x;
  const SixBits<Lanes> bits = six_bits<Lanes>(job.block, unit);
  Tile<I, R, 1> sum;
  clear<Lanes>(sum);
  for (int half = 0; half < 2; ++half) {
    U scales = bits.scales[half];
    for (int g = rolled(4); g > 0; --g, group += Kind::kGroupBytes, x += Kind::kGroup / 4 * R) {
      mark_inner_loop();
      add_products<Lanes>(sum, dot_group<Lanes, Kind, R>(group, x, job.sums), Lanes::low_bytes(scales));
      scales >>= 8;
    }
  }
  const typename Lanes::V d = d_of<Lanes>(job.block, unit);
  const typename Lanes::V minus_dmin = -d_of<Lanes>(job.block + SixBitScales::kOffsets, unit);
  for_tile(
      sum, [&](I & s, int r, int) __attribute__((always_inline)) {
        I least{};
        for (int half = 0; half < 2; ++half) {
          const std::int32_t* own = job.sums + half * 4 * R + r;
          const U even = bits.offsets[half] & 0x00ff00ffu, odd = bits.offsets[half] >> 8 & 0x00ff00ffu;
          least = Lanes::add_pairs(least, even, U{} + pair_of(own[0], own[2 * R]));
          least = Lanes::add_pairs(least, odd, U{} + pair_of(own[R], own[3 * R]));
        }
        add_to_total<Lanes>(totals, r, unit, s, d);
        add_to_total<Lanes>(totals, r, unit, least, minus_dmin);
      });
}

template <class Lanes, int R>
[[gnu::always_inline]] inline void add_block(Q4KBlocks kind, const BlockJob& job, int unit,
                                             Totals<R>& totals) {
  add_six_bit_block<Lanes>(kind, job, unit, totals);
}
template <class Lanes, int R>
[[gnu::always_inline]] inline void add_block(Q5KBlocks kind, const BlockJob& job, int unit,
                                             Totals<R>& totals) {
  add_six_bit_block<Lanes>(kind, job, unit, totals);
}

template <class Lanes, int R>
[[gnu::always_inline]] inline void add_block(Q6KBlocks kind, const BlockJob& job, int unit,
                                             Totals<R>& totals) {
  using I = typename Lanes::I;
  const std::byte* group = job.block + kind.kCodes + unit * kUnitBytes<Lanes>;
  const std::byte* scales = job.block + kind.kScales + unit * Lanes::kLanes;
  const std::uint32_t* x = job.x;
  const std::int32_t* sums = job.sums;
  Tile<I, R, 1> sum;
  clear<Lanes>(sum);
  for (int g = rolled(kind.kColumns / kind.kGroup); g > 0; --g) {
    mark_inner_loop();
    add_products<Lanes>(sum, dot_group<Lanes, Q6KBlocks, R>(group, x, sums), Lanes::bytes(scales));
    group += kind.kGroupBytes;
    scales += kPanelRows;
    x += kind.kGroup / 4 * R;
    sums += R;
  }
  const typename Lanes::V d = d_of<Lanes>(job.block, unit);
  for_tile(
      sum, [&](I & s, int r, int)
               __attribute__((always_inline)) { add_to_total<Lanes>(totals, r, unit, s, d); });
}

template <class Lanes, int R>
[[gnu::always_inline]] inline void add_block(Q50Blocks kind, const BlockJob& job, int unit,
                                             Totals<R>& totals) {
  using I = typename Lanes::I;
  const std::byte* group = job.block + kind.kCodes + unit * kUnitBytes<Lanes>;
  Tile<I, R, 1> sum = dot_group<Lanes, Q50Blocks, R>(group, job.x, job.sums);
  const typename Lanes::V d = d_of<Lanes>(job.block, unit);
  for_tile(
      sum, [&](I & s, int r, int)
               __attribute__((always_inline)) { add_to_total<Lanes>(totals, r, unit, s, d); });
}

// One tile and one panel.
template <class Lanes, class Kind, int R>
void run_blocks(const Int8Job& job) {
  const PanelGeometry& g = job.weight->geometry;
  Totals<R> totals{};
  BlockJob at{job.weight->codes + job.panel * g.panel_code_bytes, job.words, job.sums};
  for (std::int64_t c = 0; c < g.k; c += Kind::kColumns) {
    for (int unit = 0; unit < Lanes::kPerPanel; ++unit) add_block<Lanes>(Kind(), at, unit, totals);
    at.block += Kind::kBytes;
    at.x += Kind::kColumns / 4 * R;
    at.sums += Kind::kColumns / Kind::kGroup * R;
  }
  for (int r = 0; r < R; ++r)
    for (int unit = 0; unit < Lanes::kPerPanel; ++unit) {
      typename Lanes::V total;
      __builtin_memcpy(&total, totals.at[r] + unit * Lanes::kLanes, sizeof total);
      Lanes::end(job, r, unit, total);
    }
}

// Tables of run_blocks for heights 1 .. kMost.
using RunBlocks = void (*)(const Int8Job&);
template <class Lanes, class Kind, int kMost>
struct RunsOf {
  RunBlocks at[kMost];
  constexpr RunsOf() : at() {
    for_indices<kMost>([this](auto i) { at[i.value] = run_blocks<Lanes, Kind, i.value + 1>; });
  }
};

inline bool has_blocks(const Encoding& encoding) noexcept {
  return encoding.format == Format::kQ4K || encoding.format == Format::kQ5K ||
         encoding.format == Format::kQ6K || encoding.format == Format::kQ50;
}

// The tiles of multiply_int8 (generic/int8_job.h) for heights up to kMost.
template <class Lanes, int kMost>
struct BlockTiles {
  static std::int64_t panels(bool, std::int64_t) { return 1; }
  static void run(Format format, bool, std::int64_t rows, const Int8Job& job) {
    static constexpr RunsOf<Lanes, Q4KBlocks, kMost> kQ4K;
    static constexpr RunsOf<Lanes, Q5KBlocks, kMost> kQ5K;
    static constexpr RunsOf<Lanes, Q6KBlocks, kMost> kQ6K;
    static constexpr RunsOf<Lanes, Q50Blocks, kMost> kQ50;
    const RunBlocks* runs = format == Format::kQ4K   ? kQ4K.at
                            : format == Format::kQ5K ? kQ5K.at
                            : format == Format::kQ6K ? kQ6K.at
                                                     : kQ50.at;
    runs[rows - 1](job);
  }
  static constexpr auto activate = Lanes::activate;
};

// Scale and offset of one group in f32. The product of the scale with a code is exact.
template <class Lanes>
struct GroupInF32 {
  typename Lanes::V scale, offset;
};
template <class Lanes, class Kind>
inline GroupInF32<Lanes> six_bit_group(Kind, const std::byte* block, int unit, int group) {
  const SixBits<Lanes> bits = six_bits<Lanes>(block, unit);
  const int shift = group % 4 * 8;
  return {to_float<Lanes>(Lanes::low_bytes(bits.scales[group / 4] >> shift)) * d_of<Lanes>(block, unit),
          to_float<Lanes>(Lanes::low_bytes(bits.offsets[group / 4] >> shift)) *
              d_of<Lanes>(block + SixBitScales::kOffsets, unit)};
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q4KBlocks kind, const std::byte* block, int unit, int group) {
  return six_bit_group<Lanes>(kind, block, unit, group);
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q5KBlocks kind, const std::byte* block, int unit, int group) {
  return six_bit_group<Lanes>(kind, block, unit, group);
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q6KBlocks kind, const std::byte* block, int unit, int group) {
  const std::byte* scales = block + kind.kScales + group * kPanelRows + unit * Lanes::kLanes;
  return {to_float<Lanes>(Lanes::bytes(scales)) * d_of<Lanes>(block, unit), typename Lanes::V{}};
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q50Blocks, const std::byte* block, int unit, int) {
  return {d_of<Lanes>(block, unit), typename Lanes::V{}};
}

// Columns [k.begin, k.end) of one panel to out [columns][16]: whole groups.
template <class Lanes, class Kind>
void decode_kind(Kind kind, const std::byte* panel, Range k, float* out) {
  using I = typename Lanes::I;
  using V = typename Lanes::V;
  for (std::int64_t c = k.begin; c < k.end; c += Kind::kGroup, out += Kind::kGroup * kPanelRows) {
    const std::byte* block = panel + c / Kind::kColumns * Kind::kBytes;
    const auto group = static_cast<int>(c % Kind::kColumns / Kind::kGroup);
    for (int unit = 0; unit < Lanes::kPerPanel; ++unit) {
      const GroupInF32<Lanes> scales = group_in_f32<Lanes>(kind, block, unit, group);
      const std::byte* codes = block + Kind::kCodes + group * Kind::kGroupBytes + unit * kUnitBytes<Lanes>;
      for_words<Lanes>(
          kind, codes, [&](int i, typename Lanes::U word) __attribute__((always_inline)) {
            for (int j = 0; j < 4; ++j) {
              const I code = Lanes::low_bytes(word >> 8 * j) - Kind::kZeroPoint;
              const V value = to_float<Lanes>(code) * scales.scale - scales.offset;
              __builtin_memcpy(out + (4 * i + j) * kPanelRows + unit * Lanes::kLanes, &value, sizeof value);
            }
          });
    }
  }
}

template <class Lanes>
void decode_blocks(const PanelView& w, std::int64_t panel, Range k, float* out) {
  const std::byte* codes = w.codes + panel * w.geometry.panel_code_bytes;
  switch (w.encoding.format) {
    case Format::kQ4K:
      return decode_kind<Lanes>(Q4KBlocks(), codes, k, out);
    case Format::kQ5K:
      return decode_kind<Lanes>(Q5KBlocks(), codes, k, out);
    case Format::kQ6K:
      return decode_kind<Lanes>(Q6KBlocks(), codes, k, out);
    default:
      return decode_kind<Lanes>(Q50Blocks(), codes, k, out);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
