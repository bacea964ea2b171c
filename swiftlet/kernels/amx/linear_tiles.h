// Matrix products over tile registers. Included by one file per body of the tiles; plain code but for those,
// so that each body brings the instruction set that the compiler may use around them.
//
// A Body brings Tiles (tile.h), fma(sum, a, b), which adds the products of two Floats with one rounding, and
// activate(activation, y, ldy, rows, columns).
//
//   M tokens   N output channels   K input channels   R tiles of x   P panels
//
// Here is what all arithmetics share, and the product of rows that are one group: R x P tiles of x and panels
// at once, up to two each, whose sums stay in tile registers over all of K.
#pragma once

#include "swiftlet/kernels/amx/blocks.h"
#include "swiftlet/kernels/amx/lanes.h"
#include "swiftlet/kernels/generic/inner_loop.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

// Up to which VNNI serves int8 just as well: memory is the limit.
constexpr std::int64_t kVnniRows = 8;

inline int tile_rows(bool, std::int64_t) noexcept {
  return kTileRows;
}

// A path over tiles beside one panel, for some rows.
struct Rows {
  const PreparedRows& x;
  const Blocks& blocks;
  std::int64_t first, count;

  Rows(const PreparedRows& prepared, const Blocks& order, std::int64_t tile)
      : x(prepared),
        blocks(order),
        first(tile_row(prepared, tile)),
        count(tile_row(prepared, tile + 1) - first) {}
  const std::uint8_t* words() const {
    return reinterpret_cast<const std::uint8_t*>(x.words + first * blocks.row_words());
  }
};

// Sixteen channels of an output.
struct Channels {
  const LinearOutput& output;
  std::int64_t panel;

  std::int64_t first() const { return panel * kPanelRows; }
  std::int64_t count() const {
    const std::int64_t left = output.weight.geometry.n - first();
    return left < kPanelRows ? left : kPanelRows;
  }
  const std::uint8_t* codes() const {
    return reinterpret_cast<const std::uint8_t*>(output.weight.codes +
                                                 panel * output.weight.geometry.panel_code_bytes);
  }
  float* y(std::int64_t row) const { return output.y + row * output.ldy + first(); }
  void load_bias(Floats& bias) const {
    bias = Floats{};
    if (output.bias != nullptr) load_some(bias, output.bias + first(), count());
  }
};

// Stores the first `channels` of sixteen values.
[[gnu::always_inline]] inline void store_channels(float* y, std::int64_t channels, const Floats& values) {
  if (channels == kPanelRows)
    store_lanes(y, values);
  else
    __builtin_memcpy(y, &values, static_cast<std::size_t>(channels) * sizeof(float));
}

// The sums of one tile of x and one panel.
template <class T>
struct alignas(64) Sums {
  T at[kTileRows][kPanelRows];  // row, channel
};

// A block of R tiles of x and of P panels. Where there is one, the second is not read.
template <class Arithmetic, int R, int P, class Tiles>
[[gnu::always_inline]] inline void dot_block(Tiles& tiles, const std::uint8_t* x0, const std::uint8_t* x1,
                                             const std::uint8_t* w0, const std::uint8_t* w1,
                                             std::int64_t x_stride) {
  tiles.template load_passing<4>(x0, x_stride);
  tiles.template load<6>(w0, kRowBytes);
  Arithmetic::template dot<0, 4, 6>(tiles);
  if constexpr (P > 1) {
    tiles.template load<7>(w1, kRowBytes);
    Arithmetic::template dot<1, 4, 7>(tiles);
  }
  if constexpr (R > 1) {
    tiles.template load_passing<5>(x1, x_stride);
    Arithmetic::template dot<2, 5, 6>(tiles);
  }
  if constexpr (R > 1 && P > 1) Arithmetic::template dot<3, 5, 7>(tiles);
}

// Codes that the next products will read. Each pass of a tile over the running panels fetches a share of them
// into the second-level cache: else the first pass would wait for memory.
struct Ahead {
  const std::uint8_t* at = nullptr;
  std::int64_t lines = 0;  // for each block
};

// Blocks of a row whose products follow each other. The first slice begins with sums of zero, the others with
// those that the one before left in y: the additions are the same in the same order.
struct Slice {
  std::int64_t begin, end;  // of full blocks
  bool last;                // which takes what the row ends with as well

  static Slice whole(const Blocks& blocks) { return {0, blocks.full(), true}; }
};

// `count` blocks of `words`. A function of its own, with little to keep in registers. No structs here: a
// vector that copies one waits for the stores of the fields, and they for all stores to y before them.
template <class Arithmetic, int R, int P, class Tiles>
[[gnu::noinline]] inline void dot_blocks(Tiles& tiles, const std::uint8_t* x0, const std::uint8_t* x1,
                                         const std::uint8_t* w0, const std::uint8_t* w1, std::int64_t count,
                                         std::int64_t x0_step, std::int64_t x1_step, std::int64_t words,
                                         const std::uint8_t* ahead, std::int64_t ahead_lines) {
  const std::int64_t x_stride = words * 4, w_step = words * kRowBytes;
  for (; count > 0; --count) {
    mark_inner_loop();
    dot_block<Arithmetic, R, P>(tiles, x0, x1, w0, w1, x_stride);
    for (std::int64_t line = 0; line < ahead_lines; ++line, ahead += kRowBytes)
      __builtin_prefetch(ahead, 0, 2);
    x0 += x0_step;
    w0 += w_step;
    if constexpr (R > 1) x1 += x1_step;
    if constexpr (P > 1) w1 += w_step;
  }
}

template <int R, int P, class Tiles>
inline void zero_sums(Tiles& tiles) {
  tiles.template zero<0>();
  if constexpr (P > 1) tiles.template zero<1>();
  if constexpr (R > 1) tiles.template zero<2>();
  if constexpr (R > 1 && P > 1) tiles.template zero<3>();
}
template <int R, int P, class Tiles, class T>
inline void load_sums(Tiles& tiles, const Sums<T> (&sums)[2][2]) {
  tiles.template load<0>(sums[0][0].at, kRowBytes);
  if constexpr (P > 1) tiles.template load<1>(sums[0][1].at, kRowBytes);
  if constexpr (R > 1) tiles.template load<2>(sums[1][0].at, kRowBytes);
  if constexpr (R > 1 && P > 1) tiles.template load<3>(sums[1][1].at, kRowBytes);
}
template <int R, int P, class Tiles, class T>
inline void store_sums(Tiles& tiles, Sums<T> (&sums)[2][2]) {
  tiles.template store<0>(sums[0][0].at, kRowBytes);
  if constexpr (P > 1) tiles.template store<1>(sums[0][1].at, kRowBytes);
  if constexpr (R > 1) tiles.template store<2>(sums[1][0].at, kRowBytes);
  if constexpr (R > 1 && P > 1) tiles.template store<3>(sums[1][1].at, kRowBytes);
}

// The words of a panel that end a row within a block, as a tile reads them: zeros follow.
struct alignas(64) BlockBuffer {
  std::uint8_t bytes[kTileWords * kRowBytes];
};
inline const std::uint8_t* fill_up(const std::uint8_t* codes, std::int64_t count, std::int64_t words,
                                   BlockBuffer& buffer) {
  __builtin_memcpy(buffer.bytes, codes, static_cast<std::size_t>(count * kRowBytes));
  __builtin_memset(buffer.bytes + count * kRowBytes, 0,
                   static_cast<std::size_t>((words - count) * kRowBytes));
  return buffer.bytes;
}

// The sums of R x P tiles over a slice, where the codes lie in the panel as tiles read them. A tile of x one
// row short of the configured height reads the row after it as well: what that gives is not looked at.
template <class Arithmetic, int R, int P, class Tiles>
inline void multiply_rows(Tiles& tiles, const Rows (&rows)[2], const std::uint8_t* w0, const std::uint8_t* w1,
                          const Slice& slice, const Ahead& ahead,
                          Sums<typename Arithmetic::Sum> (&sums)[2][2]) {
  const Blocks& blocks = rows[0].blocks;
  const std::int64_t full = blocks.full(), rest = blocks.total_words - full * blocks.words;
  const std::int64_t x0_step = rows[0].count * blocks.words * 4,
                     x1_step = rows[R - 1].count * blocks.words * 4, w_step = blocks.words * kRowBytes;
  const std::uint8_t *x0 = rows[0].words(), *x1 = rows[R - 1].words();
  if (slice.begin == 0)
    zero_sums<R, P>(tiles);
  else
    load_sums<R, P>(tiles, sums);
  dot_blocks<Arithmetic, R, P>(tiles, x0 + slice.begin * x0_step, x1 + slice.begin * x1_step,
                               w0 + slice.begin * w_step, w1 + slice.begin * w_step, slice.end - slice.begin,
                               x0_step, x1_step, blocks.words, ahead.at, ahead.lines);
  if (slice.last && rest > 0) {
    const std::int64_t skipped = full * w_step;
    BlockBuffer buffers[2];
    const std::uint8_t* last0 = fill_up(w0 + skipped, rest, blocks.words, buffers[0]);
    const std::uint8_t* last1 = P > 1 ? fill_up(w1 + skipped, rest, blocks.words, buffers[1]) : last0;
    dot_block<Arithmetic, R, P>(tiles, x0 + full * x0_step, x1 + full * x1_step, last0, last1,
                                blocks.words * 4);
  }
  store_sums<R, P>(tiles, sums);
}

// The lines of y that a tile and a panel will write, on their way from memory during the products; to the
// second-level cache, since those of x and the panels fill the first.
inline void fetch_outputs(const Rows& rows, const Channels& channels) {
  for (std::int64_t r = 0; r < rows.count; ++r) __builtin_prefetch(channels.y(rows.first + r), 0, 2);
}

// Sums wait in y for the next slice.
template <class T>
inline void park_sums(const Rows& rows, const Channels& channels, const Sums<T>& sums) {
  for (std::int64_t r = 0; r < rows.count; ++r) {
    Floats lanes;
    load_lanes(lanes, sums.at[r]);
    store_channels(channels.y(rows.first + r), channels.count(), lanes);
  }
}
template <class T>
inline void fetch_sums(const Rows& rows, const Channels& channels, Sums<T>& sums) {
  const std::int64_t wide = channels.count();
  for (std::int64_t r = 0; r < rows.count; ++r) {
    Floats lanes;
    if (wide == kPanelRows)
      load_lanes(lanes, channels.y(rows.first + r));
    else
      load_some(lanes, channels.y(rows.first + r), wide);
    store_lanes(sums.at[r], lanes);
  }
}

// R x P tiles of rows that are one group. Kind brings Dot (the arithmetic) and finish(rows, channels, sums).
template <class Body, class Kind, int R, int P>
void run_whole(typename Body::Tiles& tiles, const Rows (&rows)[2], const Channels (&channels)[2],
               const std::uint8_t* w0, const std::uint8_t* w1, const Slice& slice, const Ahead& ahead) {
  alignas(64) Sums<typename Kind::Dot::Sum> sums[2][2];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p)
      if (slice.begin == 0)
        fetch_outputs(rows[r], channels[p]);
      else
        fetch_sums(rows[r], channels[p], sums[r][p]);
  multiply_rows<typename Kind::Dot, R, P>(tiles, rows, w0, w1, slice, ahead, sums);
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) {
      if (!slice.last) {
        park_sums(rows[r], channels[p], sums[r][p]);
        continue;
      }
      Kind::template finish<Body>(rows[r], channels[p], sums[r][p]);
      Body::activate(channels[p].output.activation, channels[p].y(rows[r].first), channels[p].output.ldy,
                     static_cast<int>(rows[r].count), channels[p].count());
    }
}

// What the passes of a range of tiles fetch: `lines` lines at `at`, then as many a panel later.
struct NextCodes {
  const std::uint8_t* at;
  std::int64_t lines, panel_bytes;

  Ahead share(std::int64_t pass, std::int64_t passes, std::int64_t steps) const {
    const std::int64_t each = (2 * lines + passes * steps) / (passes * steps + 1);  // of a block
    const std::int64_t first = pass * steps * each;
    return {first < lines ? at + first * kRowBytes : at + panel_bytes + (first - lines) * kRowBytes, each};
  }
};

// All tiles meeting a slice of one or two panels, whose codes are at w0 and w1: they stay in the cache.
template <class Body, class Kind>
void run_panels(typename Body::Tiles& registers, const PreparedRows& x, const Blocks& blocks, Range tiles,
                const Channels (&channels)[2], bool pair, const std::uint8_t* w0, const std::uint8_t* w1,
                const Slice& slice, const NextCodes& next) {
  using Run = void (*)(typename Body::Tiles&, const Rows(&)[2], const Channels(&)[2], const std::uint8_t*,
                       const std::uint8_t*, const Slice&, const Ahead&);
  static constexpr Run kRun[2][2] = {{run_whole<Body, Kind, 1, 1>, run_whole<Body, Kind, 1, 2>},
                                     {run_whole<Body, Kind, 2, 1>, run_whole<Body, Kind, 2, 2>}};
  const std::int64_t passes = (tiles.end - tiles.begin + 1) / 2;
  for (std::int64_t t = tiles.begin; t < tiles.end; t += 2) {
    const bool two = t + 1 < tiles.end;
    const Rows rows[2] = {Rows(x, blocks, t), Rows(x, blocks, two ? t + 1 : t)};
    kRun[two][pair](registers, rows, channels, w0, w1, slice,
                    next.share((t - tiles.begin) / 2, passes, slice.end - slice.begin));
  }
}

// A row in nearly equal slices of at most `words` words.
struct Slices {
  const Blocks& blocks;
  std::int64_t count;

  Slices(const Blocks& of, std::int64_t words) : blocks(of), count((of.total_words + words - 1) / words) {}
  Slice at(std::int64_t i) const {
    return {blocks.full() * i / count, blocks.full() * (i + 1) / count, i + 1 == count};
  }
};

// All tiles meeting all panels, whose codes lie as tiles read them, slice by slice of that many words.
template <class Body, class Kind>
void multiply_slices(typename Body::Tiles& registers, const PreparedRows& x, const Blocks& blocks,
                     const LinearOutput& output, Range tiles, Range panels, std::int64_t words) {
  const std::int64_t panel_bytes = output.weight.geometry.panel_code_bytes;
  const std::int64_t step = blocks.words * kRowBytes;
  const Slices slices(blocks, words);
  for (std::int64_t i = 0; i < slices.count; ++i) {
    const Slice slice = slices.at(i);
    for (std::int64_t p = panels.begin; p < panels.end; p += 2) {
      const bool pair = p + 1 < panels.end, final_pair = p + 2 >= panels.end;
      const Channels channels[2] = {{output, p}, {output, pair ? p + 1 : p}};
      const std::int64_t next_panel = !final_pair ? p + 2 : slice.last ? panels.end : panels.begin;
      const std::int64_t next_block = !final_pair ? slice.begin : slice.last ? 0 : slice.end;
      const NextCodes next{Channels{output, next_panel}.codes() + next_block * step,
                           (slice.end - slice.begin) * blocks.words, panel_bytes};
      run_panels<Body, Kind>(registers, x, blocks, tiles, channels, pair, channels[0].codes(),
                             channels[1].codes(), slice, next);
    }
  }
}

inline TileConfig config_of(const PreparedRows& x, const Blocks& blocks) {
  return config_of((x.m + x.tiles - 1) / x.tiles, blocks.words);
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
