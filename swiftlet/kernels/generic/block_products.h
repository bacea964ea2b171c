// Products in int8 with block formats (encoding/block_formats.h), and their decoding to f32. Included by one
// file per instruction set and use.
//
//   M tokens   N output channels   K input channels   R rows of a tile   P units of a tile
//
// A block of a row gives two integers, both exact: the sum over its groups of scale * (sum of the products of
// codes, less zero point * sum of x codes), and that of offset * (sum of x codes). Two multiply-adds in f32
// take them into the total of the output, block after block: that order alone decides the bits.
//
// A unit is what one register holds of a word of sixteen rows: a panel or half of one. P units are in flight:
// more where the rows are few, for their chains of dot products are all that there is to overlap. Lanes
// brings
//
//   kPerPanel, kLanes              units of a panel, rows of a unit
//   kMostRows, units(rows)         of a tile, P
//   row_units(rows)                P of q4_r
//   I, U, V                        registers of 32-bit integers, of codes (unsigned), of floats
//   U load(at)   V halves(at)   I bytes(at)        words; f16; signed bytes, each of the rows of a unit
//   U masked<m>(U)                                 every byte & m
//   I low_bytes(U)                                 of each word, unsigned
//   word(x)   add(I& sums, U codes, word)          for dot_tile of generic/tile.h
//   I add_pairs(I sums, U a, U b)                  plus the products of 16-bit halves
//   V fma(a, b, c)   end(job, row, unit, V total)
#pragma once

#include <type_traits>

#include "swiftlet/encoding/q4_k.h"
#include "swiftlet/encoding/q4_r.h"
#include "swiftlet/encoding/q5_0.h"
#include "swiftlet/encoding/q5_k.h"
#include "swiftlet/encoding/q6_k.h"
#include "swiftlet/kernels/generic/inner_loop.h"
#include "swiftlet/kernels/generic/int8_job.h"
#include "swiftlet/kernels/generic/tile.h"

namespace swiftlet::kernels {
namespace {

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

// Word i of a group: the codes of columns 4i .. 4i + 3. `group` points to the unit's share of its first 64
// bytes.

template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U nibbles_of(const std::byte* nibbles) {
  const auto both = Lanes::load(nibbles + kWord / 2 * 64);
  return Lanes::template masked<15>(kWord % 2 == 0 ? both : both >> 4);
}
// Bits `at` and on of each byte, moved to bit 4.
template <class Lanes, int kAt, int kMask>
[[gnu::always_inline]] inline typename Lanes::U bits_of(const std::byte* bits) {
  const auto all = Lanes::load(bits);
  if constexpr (kAt < 4)
    return Lanes::template masked<kMask>(all << (4 - kAt));
  else
    return Lanes::template masked<kMask>(all >> (kAt - 4));
}

template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U word_of(Q4KBlocks, const std::byte* group) {
  return nibbles_of<Lanes, kWord>(group);
}
template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U word_of(Q4RBlocks, const std::byte* group) {
  return nibbles_of<Lanes, kWord>(group);
}
template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U word_of(FiveBitGroup, const std::byte* group) {
  return nibbles_of<Lanes, kWord>(group + FiveBitGroup::kNibbles) | bits_of<Lanes, kWord, 16>(group);
}
template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U word_of(Q5KBlocks, const std::byte* group) {
  return word_of<Lanes, kWord>(FiveBitGroup(), group);
}
template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U word_of(Q50Blocks, const std::byte* group) {
  return word_of<Lanes, kWord>(FiveBitGroup(), group);
}
template <class Lanes, int kWord>
[[gnu::always_inline]] inline typename Lanes::U word_of(Q6KBlocks kind, const std::byte* group) {
  return nibbles_of<Lanes, kWord>(group + kind.kNibbles) | bits_of<Lanes, 2 * kWord, 48>(group);
}

// Scales and offsets of q4_k and q5_k: those of groups 4 half .. 4 half + 3 as the bytes of words.
template <class Lanes>
[[gnu::always_inline]] inline typename Lanes::U six_bits(const std::byte* block, int unit, int half,
                                                         bool offsets) {
  const std::byte* words = block + SixBitScales::kWords + unit * kUnitBytes<Lanes>;
  const auto own = Lanes::load(words + (offsets ? 64 : 0));
  if (half == 0) return Lanes::template masked<63>(own);
  const auto low = Lanes::load(words + 128);
  return Lanes::template masked<15>(offsets ? low >> 4 : low) | Lanes::template masked<48>(own >> 2);
}

template <class Lanes>
[[gnu::always_inline]] inline typename Lanes::V to_float(typename Lanes::I x) {
  return __builtin_convertvector(x, typename Lanes::V);
}
template <class Lanes>
[[gnu::always_inline]] inline typename Lanes::V d_of(const std::byte* block, int unit) {
  return Lanes::halves(block + unit * Lanes::kLanes * 2);
}

// The running totals of a tile.
template <class Lanes, int R, int P>
struct Totals {
  static constexpr int kUnits = P < Lanes::kPerPanel ? Lanes::kPerPanel : P;
  alignas(64) float at[R][kUnits * Lanes::kLanes];
};

// Where a tile meets a block of P units, those from `first_unit` on.
template <int P>
struct BlockJob {
  Pointers<P> panels;        // of each unit
  int first_unit;            // among those of the tile
  std::int64_t offset;       // of the block in a panel
  std::int64_t ahead;        // bytes to where the next tile will be
  const std::uint32_t* x;    // words of x that meet the block
  const std::int32_t* sums;  // and their sums
};
template <class Lanes, int P>
[[gnu::always_inline]] inline int unit_of(const BlockJob<P>& job, int p) {
  return (job.first_unit + p) % Lanes::kPerPanel;
}

// total of row r += factor * integers
template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_to_total(Totals<Lanes, R, P>& totals, int r, int unit,
                                                typename Lanes::I integers, typename Lanes::V factor) {
  float* at = totals.at[r] + unit * Lanes::kLanes;
  typename Lanes::V total;
  __builtin_memcpy(&total, at, sizeof total);
  total = Lanes::fma(to_float<Lanes>(integers), factor, total);
  __builtin_memcpy(at, &total, sizeof total);
}

// integers of row r += sum, where a row has one scale
template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_integers(Totals<Lanes, R, P>& totals, int r, int unit,
                                                typename Lanes::I sum) {
  float* at = totals.at[r] + unit * Lanes::kLanes;
  typename Lanes::I total;
  __builtin_memcpy(&total, at, sizeof total);
  total += sum;
  __builtin_memcpy(at, &total, sizeof total);
}

// Lines that the next tile will read: what one panel holds ends before the hardware has learnt its stream.
// Addresses beyond the weight do no harm.
template <std::int64_t kBytes>
[[gnu::always_inline]] inline void fetch(const std::byte* at) {
  __asm__("" : "+r"(at));
  for_indices<(kBytes + 63) / 64>([&](auto line) __attribute__((always_inline)) {
    __builtin_prefetch(at + line.value * 64, 0, 2);
  });
}

// Sums of products of the group at `offset`. They start from -zero_point times the sums of the codes of x.
template <class Lanes, class Kind, int R, int P>
[[gnu::always_inline]] inline void dot_group(Tile<typename Lanes::I, R, P>& acc, const BlockJob<P>& job,
                                             std::int64_t offset, const std::uint32_t* x,
                                             const std::int32_t* sums) {
  using I = typename Lanes::I;
  using U = typename Lanes::U;
  // Opaque, or compilers keep a pointer to each place that is read or fetched: more than there are registers.
  __asm__("" : "+r"(offset));
  Pointers<P> groups;
  for_both(
      groups,
      job.panels, [&](const std::byte*& group, const std::byte* panel, int p) __attribute__((always_inline)) {
        group = panel + offset + unit_of<Lanes>(job, p) * kUnitBytes<Lanes>;
        if (R <= 4 && P / Lanes::kPerPanel < 8 && P % Lanes::kPerPanel == 0 && p % Lanes::kPerPanel == 0)
          fetch<Kind::kGroupBytes>(panel + (offset + job.ahead));
      });
  for_tile(
      acc, [&](I & a, int r, int) __attribute__((always_inline)) {
        a = Kind::kZeroPoint == 0 ? I{} : -((I{} + sums[r]) * Kind::kZeroPoint);
      });
  for_indices<Kind::kGroup / 4>([&](auto i) __attribute__((always_inline)) {
    PerPanel<U, P> w;
    for_both(
        w, groups, [&](U & codes, const std::byte* group, int) __attribute__((always_inline)) {
          codes = word_of<Lanes, i.value>(Kind(), group);
        });
    dot_tile<Lanes>(acc, w, x + i.value * R);
    if constexpr (i.value % 2 == 1) __asm__ volatile("" ::: "memory");  // no load of a later word before
  });
}

// sum += acc * scale of the unit
template <class I, int P>
[[gnu::always_inline]] inline void add_products(PerPanel<I, P>& sum, const PerPanel<I, P>& acc,
                                                const PerPanel<I, P>& scales) {
  if constexpr (P > 0) {
    add_products(sum.before, acc.before, scales.before);
    sum.last += acc.last * scales.last;
  }
}
template <class I, int R, int P>
[[gnu::always_inline]] inline void add_products(Tile<I, R, P>& sum, const Tile<I, R, P>& acc,
                                                const PerPanel<I, P>& scales) {
  if constexpr (R > 0) {
    add_products(sum.before, acc.before, scales);
    add_products(sum.row, acc.row, scales);
  }
}
template <class I, int R, int P>
[[gnu::always_inline]] inline void clear(Tile<I, R, P>& sum) {
  for_tile(
      sum, [](I & s, int, int) __attribute__((always_inline)) { s = I{}; });
}

// The sums of two groups as halves of a word: they lie within 32 * 127.
inline std::uint32_t pair_of(std::int32_t low, std::int32_t high) {
  return (static_cast<std::uint32_t>(low) & 0xffffu) | static_cast<std::uint32_t>(high) << 16;
}

// totals += d * sum of each row and unit
template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_scaled(Totals<Lanes, R, P>& totals, const BlockJob<P>& job,
                                              Tile<typename Lanes::I, R, P>& sum) {
  PerPanel<typename Lanes::V, P> d;
  for_both(
      d, job.panels,
      [&](typename Lanes::V & factor, const std::byte* panel, int p) __attribute__((always_inline)) {
        factor = d_of<Lanes>(panel + job.offset, unit_of<Lanes>(job, p));
      });
  for_tile_with(
      sum, d,
      [&](typename Lanes::I & s, const typename Lanes::V& factor, int r, int p)
          __attribute__((always_inline)) { add_to_total<Lanes>(totals, r, job.first_unit + p, s, factor); });
}

// totals -= dmin * sum over the groups of offset * sum of x codes
template <class Lanes, int R, int P>
[[gnu::noinline]] inline void subtract_offsets(Totals<Lanes, R, P>& totals, BlockJob<P> job) {
  using U = typename Lanes::U;
  using I = typename Lanes::I;
  for_panels(job.panels, [&](const std::byte* panel, int p) {
    const std::byte* block = panel + job.offset;
    const int unit = unit_of<Lanes>(job, p);
    const U first = six_bits<Lanes>(block, unit, 0, true), last = six_bits<Lanes>(block, unit, 1, true);
    const U pairs[4] = {first & 0x00ff00ffu, first >> 8 & 0x00ff00ffu, last & 0x00ff00ffu,
                        last >> 8 & 0x00ff00ffu};
    const typename Lanes::V minus_dmin = -d_of<Lanes>(block + SixBitScales::kOffsets, unit);
    for (int r = 0; r < R; ++r) {
      I least{};
      for (int i = 0; i < 4; ++i) {
        const std::int32_t* own = job.sums + (i / 2 * 4 + i % 2) * R + r;
        least = Lanes::add_pairs(least, pairs[i], U{} + pair_of(own[0], own[2 * R]));
      }
      add_to_total<Lanes>(totals, r, job.first_unit + p, least, minus_dmin);
    }
  });
}

// One block of q4_k or q5_k. A function of its own: within a larger one compilers run out of registers for
// the pointers of the inner loop.
template <class Lanes, class Kind, int R, int P>
[[gnu::noinline]] void add_six_bit_block(const BlockJob<P>& job, Totals<Lanes, R, P>& totals) {
  using U = typename Lanes::U;
  using I = typename Lanes::I;
  std::int64_t offset = job.offset + Kind::kCodes;
  const std::uint32_t* x = job.x;
  Tile<I, R, P> sum;
  clear(sum);
  for_indices<2>([&](auto half) __attribute__((always_inline)) {
    PerPanel<U, P> scales;
    for_both(
        scales, job.panels, [&](U & s, const std::byte* panel, int p) __attribute__((always_inline)) {
          s = six_bits<Lanes>(panel + job.offset, unit_of<Lanes>(job, p), half.value, false);
        });
    for (int g = rolled(4); g > 0; --g, offset += Kind::kGroupBytes, x += Kind::kGroup / 4 * R) {
      mark_inner_loop();
      Tile<I, R, P> acc;
      dot_group<Lanes, Kind>(acc, job, offset, x, job.sums);
      PerPanel<I, P> own;
      for_both(
          own, scales, [](I & scale, const U& four, int) __attribute__((always_inline)) {
            scale = Lanes::low_bytes(four);
          });
      add_products(sum, acc, own);
      for_panels(
          scales, [](U & four, int) __attribute__((always_inline)) { four >>= 8; });
    }
  });
  add_scaled(totals, job, sum);
  subtract_offsets(totals, job);
}

template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_block(Q4KBlocks, const BlockJob<P>& job, Totals<Lanes, R, P>& totals) {
  add_six_bit_block<Lanes, Q4KBlocks>(job, totals);
}
template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_block(Q5KBlocks, const BlockJob<P>& job, Totals<Lanes, R, P>& totals) {
  add_six_bit_block<Lanes, Q5KBlocks>(job, totals);
}

template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_block(Q6KBlocks kind, const BlockJob<P>& job,
                                             Totals<Lanes, R, P>& totals) {
  using I = typename Lanes::I;
  std::int64_t offset = job.offset + kind.kCodes, scales = job.offset + kind.kScales;
  const std::uint32_t* x = job.x;
  const std::int32_t* sums = job.sums;
  Tile<I, R, P> sum;
  clear(sum);
  for (int g = rolled(kind.kColumns / kind.kGroup); g > 0; --g) {
    mark_inner_loop();
    Tile<I, R, P> acc;
    dot_group<Lanes, Q6KBlocks>(acc, job, offset, x, sums);
    PerPanel<I, P> own;
    for_both(
        own, job.panels, [&](I & scale, const std::byte* panel, int p) __attribute__((always_inline)) {
          scale = Lanes::bytes(panel + scales + unit_of<Lanes>(job, p) * Lanes::kLanes);
        });
    add_products(sum, acc, own);
    offset += kind.kGroupBytes;
    scales += kPanelRows;
    x += kind.kGroup / 4 * R;
    sums += R;
  }
  add_scaled(totals, job, sum);
}

template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_block(Q50Blocks kind, const BlockJob<P>& job,
                                             Totals<Lanes, R, P>& totals) {
  Tile<typename Lanes::I, R, P> sum;
  dot_group<Lanes, Q50Blocks>(sum, job, job.offset + kind.kCodes, job.x, job.sums);
  add_scaled(totals, job, sum);
}

template <class Lanes, int R, int P>
[[gnu::always_inline]] inline void add_block(Q4RBlocks kind, const BlockJob<P>& job,
                                             Totals<Lanes, R, P>& totals) {
  using I = typename Lanes::I;
  Tile<I, R, P> sum;
  clear(sum);
  for_indices<kind.kColumns / kind.kGroup>([&](auto g) __attribute__((always_inline)) {
    Tile<I, R, P> acc;
    dot_group<Lanes, Q4RBlocks>(acc, job, job.offset + kind.kCodes + g.value * kind.kGroupBytes,
                                job.x + g.value * kind.kGroup / 4 * R, job.sums + g.value * R);
    PerPanel<I, P> own;
    for_both(
        own, job.panels, [&](I & scale, const std::byte* panel, int p) __attribute__((always_inline)) {
          scale = Lanes::bytes(panel + (job.offset + g.value * kPanelRows) +
                               unit_of<Lanes>(job, p) * Lanes::kLanes);
        });
    add_products(sum, acc, own);
  });
  for_tile(
      sum, [&](I & s, int r, int p)
               __attribute__((always_inline)) { add_integers<Lanes>(totals, r, job.first_unit + p, s); });
}

template <class Lanes, class Kind>
constexpr int units_of(int rows) {
  return std::is_same_v<Kind, Q4RBlocks> ? Lanes::row_units(rows) : Lanes::units(rows);
}

// What the totals of a unit of row r stand for.
template <class Lanes, class Kind, int R, int P>
[[gnu::always_inline]] inline typename Lanes::V total_of(const Totals<Lanes, R, P>& totals, int r, int unit,
                                                         const std::byte* panel) {
  const float* at = totals.at[r] + unit * Lanes::kLanes;
  typename Lanes::V total;
  if constexpr (std::is_same_v<Kind, Q4RBlocks>) {
    typename Lanes::I integers;
    typename Lanes::V scale;
    __builtin_memcpy(&integers, at, sizeof integers);
    __builtin_memcpy(&scale, panel + unit % Lanes::kPerPanel * Lanes::kLanes * 4, sizeof scale);
    total = to_float<Lanes>(integers) * scale;
  } else {
    __builtin_memcpy(&total, at, sizeof total);
  }
  return total;
}

// One tile and P units, or as many as a panel has.
template <class Lanes, class Kind, int R, int P>
[[gnu::always_inline]] inline void run_some_panels(const Int8Job& job) {
  using Sums = Totals<Lanes, R, P>;
  const PanelGeometry& g = job.weight->geometry;
  Sums totals{};
  BlockJob<P> at{.offset = Kind::kHeader,
                 .ahead = Sums::kUnits / Lanes::kPerPanel * g.panel_code_bytes,
                 .x = job.words,
                 .sums = job.sums};
  const std::byte* first = job.weight->codes + job.panel * g.panel_code_bytes;
  const auto panel_of = [&](int unit) {
    const std::int64_t index = unit / Lanes::kPerPanel;
    return first + (index < job.panels_left ? index : job.panels_left - 1) * g.panel_code_bytes;
  };
  for (std::int64_t c = 0; c < g.k; c += Kind::kColumns) {
    for (int unit = 0; unit < Sums::kUnits; unit += P) {
      at.first_unit = unit;
      for_panels(at.panels, [&](const std::byte*& panel, int p) { panel = panel_of(unit + p); });
      add_block<Lanes>(Kind(), at, totals);
    }
    at.offset += Kind::kBytes;
    at.x += Kind::kColumns / 4 * R;
    at.sums += Kind::kColumns / Kind::kGroup * R;
  }
  for (int r = 0; r < R; ++r)
    for (int unit = 0; unit < Sums::kUnits; ++unit)
      Lanes::end(job, r, unit, total_of<Lanes, Kind>(totals, r, unit, panel_of(unit)));
}

// One tile and all panels of a job.
template <class Lanes, class Kind, int R, int P>
void run_blocks(const Int8Job& job) {
  constexpr std::int64_t kPanels = P < Lanes::kPerPanel ? 1 : P / Lanes::kPerPanel;
  constexpr std::int64_t kChannels = kPanels * kPanelRows;
  for (Int8Job some = job; some.panels_left > 0; some.panels_left -= kPanels) {
    run_some_panels<Lanes, Kind, R, P>(some);
    some.panel += kPanels;
    some.channels -= kChannels;
    some.y += kChannels;
    if (some.bias != nullptr) some.bias += kChannels;
  }
}

// Tables of run_blocks for heights 1 .. kMost.
using RunBlocks = void (*)(const Int8Job&);
template <class Lanes, class Kind>
struct RunsOf {
  RunBlocks at[Lanes::kMostRows];
  constexpr RunsOf() : at() {
    for_indices<Lanes::kMostRows>([this](auto i) {
      at[i.value] = run_blocks<Lanes, Kind, i.value + 1, units_of<Lanes, Kind>(i.value + 1)>;
    });
  }
};

inline bool has_blocks(const Encoding& encoding) noexcept {
  return encoding.format == Format::kQ4K || encoding.format == Format::kQ5K ||
         encoding.format == Format::kQ6K || encoding.format == Format::kQ50 ||
         encoding.format == Format::kQ4R;
}

// The tiles of multiply_int8 (generic/int8_job.h).
template <class Lanes>
struct BlockTiles {
  // Of the first tile of a call: others may be higher by one, and take as many by turns.
  static std::int64_t panels(Format format, bool, std::int64_t rows) {
    const auto height = static_cast<int>(rows);
    const int units = format == Format::kQ4R ? Lanes::row_units(height) : Lanes::units(height);
    return units < Lanes::kPerPanel ? 1 : units / Lanes::kPerPanel;
  }
  static void run(Format format, bool, std::int64_t rows, const Int8Job& job) {
    static constexpr RunsOf<Lanes, Q4KBlocks> kQ4K;
    static constexpr RunsOf<Lanes, Q5KBlocks> kQ5K;
    static constexpr RunsOf<Lanes, Q6KBlocks> kQ6K;
    static constexpr RunsOf<Lanes, Q50Blocks> kQ50;
    static constexpr RunsOf<Lanes, Q4RBlocks> kQ4R;
    const RunBlocks* runs = format == Format::kQ4K   ? kQ4K.at
                            : format == Format::kQ5K ? kQ5K.at
                            : format == Format::kQ6K ? kQ6K.at
                            : format == Format::kQ4R ? kQ4R.at
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
template <class Lanes>
inline GroupInF32<Lanes> six_bit_group(const std::byte* block, int unit, int group) {
  const auto number = [&](bool offsets) {
    const auto four = six_bits<Lanes>(block, unit, group / 4, offsets);
    return to_float<Lanes>(Lanes::low_bytes(four >> group % 4 * 8));
  };
  return {number(false) * d_of<Lanes>(block, unit),
          number(true) * d_of<Lanes>(block + SixBitScales::kOffsets, unit)};
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q4RBlocks, const std::byte* panel, const std::byte* block, int unit,
                                      int group) {
  typename Lanes::V scale;
  __builtin_memcpy(&scale, panel + unit * Lanes::kLanes * 4, sizeof scale);
  const auto own = to_float<Lanes>(Lanes::bytes(block + group * kPanelRows + unit * Lanes::kLanes));
  return {own * scale, typename Lanes::V{}};
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q4KBlocks, const std::byte*, const std::byte* block, int unit,
                                      int group) {
  return six_bit_group<Lanes>(block, unit, group);
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q5KBlocks, const std::byte*, const std::byte* block, int unit,
                                      int group) {
  return six_bit_group<Lanes>(block, unit, group);
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q6KBlocks kind, const std::byte*, const std::byte* block, int unit,
                                      int group) {
  const std::byte* scales = block + kind.kScales + group * kPanelRows + unit * Lanes::kLanes;
  return {to_float<Lanes>(Lanes::bytes(scales)) * d_of<Lanes>(block, unit), typename Lanes::V{}};
}
template <class Lanes>
inline GroupInF32<Lanes> group_in_f32(Q50Blocks, const std::byte*, const std::byte* block, int unit, int) {
  return {d_of<Lanes>(block, unit), typename Lanes::V{}};
}

// Columns [k.begin, k.end) of one panel to out [columns][16]: whole groups.
template <class Lanes, class Kind>
void decode_kind(Kind kind, const std::byte* panel, Range k, float* out) {
  using I = typename Lanes::I;
  using V = typename Lanes::V;
  for (std::int64_t c = k.begin; c < k.end; c += Kind::kGroup, out += Kind::kGroup * kPanelRows) {
    const std::byte* block = panel + (Kind::kHeader + c / Kind::kColumns * Kind::kBytes);
    const auto group = static_cast<int>(c % Kind::kColumns / Kind::kGroup);
    for (int unit = 0; unit < Lanes::kPerPanel; ++unit) {
      const GroupInF32<Lanes> scales = group_in_f32<Lanes>(kind, panel, block, unit, group);
      const std::byte* codes = block + Kind::kCodes + group * Kind::kGroupBytes + unit * kUnitBytes<Lanes>;
      for_indices<Kind::kGroup / 4>([&](auto i) __attribute__((always_inline)) {
        const typename Lanes::U word = word_of<Lanes, i.value>(kind, codes);
        for (int j = 0; j < 4; ++j) {
          const I code = Lanes::low_bytes(word >> 8 * j) - Kind::kZeroPoint;
          const V value = to_float<Lanes>(code) * scales.scale - scales.offset;
          __builtin_memcpy(out + (4 * i.value + j) * kPanelRows + unit * Lanes::kLanes, &value, sizeof value);
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
    case Format::kQ4R:
      return decode_kind<Lanes>(Q4RBlocks(), codes, k, out);
    default:
      return decode_kind<Lanes>(Q50Blocks(), codes, k, out);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
