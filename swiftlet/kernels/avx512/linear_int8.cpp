// Matrix products in int8: u8 codes of the weight times s8 codes of x, int32 sums, VNNI.
//
//   M tokens   N output channels   K input channels   R rows of a tile   P panels of a tile
//
// A group starts from -zero_point * (sum of x codes), so an asymmetric weight costs nothing in the loop.
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/epilogue.h"
#include "swiftlet/kernels/avx512/tile.h"
#include "swiftlet/kernels/generic/inner_loop.h"
#include "swiftlet/kernels/generic/int8_job.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr int kMaxRows = 12;          // one group: 24 accumulators
constexpr int kFewRows = 4;           // memory is their limit
constexpr std::int64_t kAhead = 512;  // bytes, of their fetches
constexpr int kMaxGroupedRows = 6;    // several: 12 int32 and 12 f32 ones

bool supports(const Encoding& encoding) noexcept {
  return encoding.format == Format::kInt8 || encoding.format == Format::kInt4;
}

int tile_rows(bool grouped, std::int64_t) noexcept {
  return grouped ? kMaxGroupedRows : kMaxRows;
}

// Rounds x * inverse to codes within ±127 and sums them.
struct ConvertInt8 {
  static constexpr int kColumns = 16, kWords = 4;
  V inverse;
  __m512i sum = _mm512_setzero_si512();

  __m128i codes(const float* x, std::int64_t count) {
    const V values = _mm512_maskz_loadu_ps(lanes(count), x);
    const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(values, inverse));
    sum = _mm512_add_epi32(sum, rounded);
    return _mm512_cvtepi32_epi8(rounded);
  }
  void store(const float* x, std::int64_t count, std::uint32_t* words) {
    _mm_store_si128(reinterpret_cast<__m128i*>(words), codes(x, count));
  }
  std::int32_t take_sum() {
    const std::int32_t total = _mm512_reduce_add_epi32(sum);
    sum = _mm512_setzero_si512();
    return total;
  }
};

// Largest magnitude as bits: magnitudes order as integers, infinity and NaN above all.
std::int32_t largest_magnitude(const float* x, std::int64_t k) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  __m512i a = _mm512_setzero_si512(), b = a;
  std::int64_t c = 0;
  for (; c + 32 <= k; c += 32) {
    a = _mm512_max_epi32(a, _mm512_and_si512(magnitude, _mm512_loadu_si512(x + c)));
    b = _mm512_max_epi32(b, _mm512_and_si512(magnitude, _mm512_loadu_si512(x + c + 16)));
  }
  for (; c < k; c += 16)
    a = _mm512_max_epi32(a, _mm512_and_si512(magnitude, _mm512_maskz_loadu_epi32(lanes(k - c), x + c)));
  return _mm512_reduce_max_epi32(_mm512_max_epi32(a, b));
}

void prepare_one(const PreparedRows& p, const float* x, float inverse, std::uint32_t* words,
                 std::int64_t stride, std::int32_t* sums) {
  if (inverse == 0) return clear_row(p, words, stride, sums);
  ConvertInt8 convert{set(inverse)};
  prepare_row(p, x, convert, words, stride, [&](std::int64_t g) { sums[g * stride] = convert.take_sum(); });
}

// Four rows at once: transposed in registers, so that one store writes a word of all four.
struct ConvertFour {
  const float* x[4];
  ConvertInt8 rows[4];

  // Words [0, count) of sixteen columns, of which `columns` exist.
  [[gnu::always_inline]] inline void store(std::int64_t column, std::int64_t columns, std::int64_t count,
                                           std::uint32_t* words, std::int64_t stride) {
    __m128i c[4];
    for (int r = 0; r < 4; ++r) c[r] = rows[r].codes(x[r] + column, columns);
    const __m128i a = _mm_unpacklo_epi32(c[0], c[1]), b = _mm_unpacklo_epi32(c[2], c[3]);
    const __m128i d = _mm_unpackhi_epi32(c[0], c[1]), e = _mm_unpackhi_epi32(c[2], c[3]);
    const __m128i transposed[4] = {_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b),
                                   _mm_unpacklo_epi64(d, e), _mm_unpackhi_epi64(d, e)};
    for (std::int64_t i = 0; i < count; ++i)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(words + i * stride), transposed[i]);
  }
};

void prepare_four(const PreparedRows& p, const float* x, std::int64_t ldx, const float* inverse,
                  std::uint32_t* words, std::int64_t stride, std::int32_t* sums) {
  ConvertFour four;
  for (int r = 0; r < 4; ++r) {
    four.x[r] = x + r * ldx;
    four.rows[r] = {set(inverse[r])};
  }
  for (std::int64_t g = 0; g < p.groups; ++g) {
    const bool last = g + 1 == p.groups;
    const std::int64_t begin = g * p.group, end = last ? p.k : begin + p.group;
    std::uint32_t* to = words + g * p.padded_group / 4 * stride;
    std::int64_t c = begin;
    for (; c + 16 <= end; c += 16, to += 4 * stride) four.store(c, 16, 4, to, stride);
    if (c < end) four.store(c, end - c, (end - c + 3) / 4, to, stride);
    // int4 steps are two words: what the group lacks to its filled-up end.
    const std::int64_t padded = last ? p.padded_k - g * p.padded_group : p.padded_group;
    for (std::int64_t i = (end - begin + 3) / 4; i < padded / 4; ++i)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(words + (g * p.padded_group / 4 + i) * stride),
                       _mm_setzero_si128());
    for (int r = 0; r < 4; ++r) sums[g * stride + r] = four.rows[r].take_sum();
  }
}

void prepare_tile(const PreparedRows& p, const float* x, std::int64_t ldx, std::int64_t tile) {
  const std::int64_t first = tile_row(p, tile), rows = tile_row(p, tile + 1) - first;
  std::uint32_t* words = p.words + first * (p.padded_k / 4);
  std::int32_t* sums = p.sums + first * p.groups;
  float inverse[kMaxRows];
  for (std::int64_t r = 0; r < rows; ++r) {
    const RowScale scale = row_scale(largest_magnitude(x + (first + r) * ldx, p.k));
    p.scales[first + r] = scale.scale;
    inverse[r] = scale.inverse;
  }
  for (std::int64_t r = 0; r < rows;) {
    const float* from = x + (first + r) * ldx;
    const bool four =
        r + 4 <= rows && inverse[r] != 0 && inverse[r + 1] != 0 && inverse[r + 2] != 0 && inverse[r + 3] != 0;
    if (four)
      prepare_four(p, from, ldx, inverse + r, words + r, rows, sums + r);
    else
      prepare_one(p, from, inverse[r], words + r, rows, sums + r);
    r += four ? 4 : 1;
  }
}

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) prepare_tile(p, x, ldx, tile);
}

struct Int8Panels {
  static constexpr int kZeroPoint = Int8Codes::kZeroPoint;
  static constexpr std::int64_t kColumnsPerStep = 4;

  template <int R, int P>
  [[gnu::always_inline]] static inline void step(Tile<__m512i, R, P>& tile, const Words<P>& w,
                                                 const std::uint32_t* x) {
    dot_tile<DotInt8>(tile, w, x);
  }
};

struct Int4Panels {
  static constexpr int kZeroPoint = Int4Codes::kZeroPoint;
  static constexpr std::int64_t kColumnsPerStep = 8;

  template <int R, int P>
  [[gnu::always_inline]] static inline void step(Tile<__m512i, R, P>& tile, const Words<P>& w,
                                                 const std::uint32_t* x) {
    const __m512i nibble = _mm512_set1_epi8(15);
    Words<P> half = w;
    for_panels(
        half, [&](__m512i & v, int) __attribute__((always_inline)) { v = _mm512_and_si512(v, nibble); });
    dot_tile<DotInt8>(tile, half, x);
    half = w;
    for_panels(
        half, [&](__m512i & v, int)
                  __attribute__((always_inline)) { v = _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble); });
    dot_tile<DotInt8>(tile, half, x + R);
  }
};

// Where the P panels of a job lie.
template <int P>
struct PanelsAt {
  Pointers<P> codes, scales, zero_points;
};

template <int P>
inline PanelsAt<P> panels_at(const PanelView& w, std::int64_t panel, std::int64_t left) {
  const std::int64_t lanes_of_panel = w.geometry.groups * kPanelRows;
  const std::int64_t scale_stride = lanes_of_panel * w.geometry.scale_bytes;
  PanelsAt<P> at;
  at.codes =
      panel_pointers<P>(w.codes + panel * w.geometry.panel_code_bytes, w.geometry.panel_code_bytes, left);
  at.scales = panel_pointers<P>(w.scales + panel * scale_stride, scale_stride, left);
  const auto* zero_points = reinterpret_cast<const std::byte*>(w.zero_points);
  if (zero_points != nullptr)
    at.zero_points = panel_pointers<P>(zero_points + panel * lanes_of_panel, lanes_of_panel, left);
  else
    at.zero_points = at.codes;  // not read
  return at;
}

// The sums of a group start from minus the zero points' share.
template <class Codes, int R, int P>
[[gnu::always_inline]] inline void start_group(Tile<__m512i, R, P>& tile, const Int8Job& job,
                                               const Pointers<P>& zero_points, std::int64_t group) {
  constexpr unsigned kShift = Codes::kZeroPoint == 128 ? 7 : 3;  // the zero point is a power of two
  static_assert(1 << kShift == Codes::kZeroPoint);
  const std::int32_t* sums = job.sums + group * R;
  if (job.weight->zero_points == nullptr) {
    for_tile(
        tile, [&](__m512i & acc, int r, int) __attribute__((always_inline)) {
          acc =
              _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(_mm512_set1_epi32(sums[r]), kShift));
        });
    return;
  }
  Words<P> zero;
  for_both(
      zero, zero_points, [&](__m512i & z, const std::byte* at, int) __attribute__((always_inline)) {
        z = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + group * kPanelRows)));
      });
  for_tile_with(
      tile, zero, [&](__m512i & acc, const __m512i& z, int r, int) __attribute__((always_inline)) {
        acc = _mm512_mullo_epi32(z, _mm512_set1_epi32(-sums[r]));
      });
}

template <int P>
[[gnu::always_inline]] inline PerPanel<V, P> load_scales(const Int8Job& job, const Pointers<P>& scales,
                                                         std::int64_t group) {
  PerPanel<V, P> loaded;
  const bool half = job.weight->geometry.scale_bytes == 2;
  for_both(
      loaded, scales, [&](V & scale, const std::byte* at, int) __attribute__((always_inline)) {
        scale = half ? _mm512_cvtph_ps(
                           _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + group * kPanelRows * 2)))
                     : _mm512_loadu_ps(at + group * kPanelRows * 4);
      });
  return loaded;
}

// Lines that the same panels will be read at. Addresses beyond the weight do no harm.
template <int P>
[[gnu::always_inline]] inline void fetch_ahead(const Pointers<P>& codes, std::int64_t offset) {
  if constexpr (P > 0) {
    fetch_ahead(codes.before, offset);
    _mm_prefetch(reinterpret_cast<const char*>(codes.last) + offset, _MM_HINT_T1);
  }
}

// All steps of one group. x and offset walk on.
template <class Codes, int R, int P>
[[gnu::always_inline]] inline void run_group(Tile<__m512i, R, P>& tile, const Pointers<P>& codes,
                                             std::int64_t steps, const std::uint32_t*& x,
                                             std::int64_t& offset) {
  constexpr std::int64_t kWords = Codes::kColumnsPerStep / 4 * R;
  for (std::int64_t i = 0; i < steps; ++i) {
    mark_inner_loop();
    if constexpr (R > 1 && R <= kFewRows) fetch_ahead(codes, offset + kAhead);
    Codes::template step<R, P>(tile, load_words(codes, offset), x);
    offset += 64;
    x += kWords;
  }
}

template <int R, int P>
[[gnu::always_inline]] inline void store(Tile<V, R, P>& total, const Int8Job& job) {
  for_tile(
      total, [&](V & sum, int r, int p) __attribute__((always_inline)) {
        const __mmask16 mask = panel_lanes(job.channels, p);
        const V bias =
            job.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, job.bias + p * 16);
        _mm512_mask_storeu_ps(job.y + r * job.ldy + p * 16, mask,
                              _mm512_fmadd_ps(sum, set(job.scales[r]), bias));
      });
}

template <class Codes, bool kGrouped, int R, int P>
void run_tile(const Int8Job& job) {
  const PanelGeometry& g = job.weight->geometry;
  const PanelsAt<P> at = panels_at<P>(*job.weight, job.panel, job.panels_left);
  const std::uint32_t* x = job.words;
  std::int64_t offset = 0;
  Tile<V, R, P> total;
  for_tile(
      total, [](V & sum, int, int) __attribute__((always_inline)) { sum = _mm512_setzero_ps(); });
  const std::int64_t groups = kGrouped ? g.groups : 1;
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::int64_t columns = group + 1 < groups ? g.padded_group : g.padded_k - group * g.padded_group;
    Tile<__m512i, R, P> tile;
    start_group<Codes>(tile, job, at.zero_points, group);
    run_group<Codes>(tile, at.codes, columns / Codes::kColumnsPerStep, x, offset);
    add_scaled(total, tile, load_scales(job, at.scales, group));
  }
  store(total, job);
}

// Few rows read a weight at the speed of memory, which eight streams of a processor reach and four do not
// (docs/int8-linear.md).
constexpr int panels_for(bool grouped, std::int64_t rows) {
  return rows == 1 ? 8 : rows <= (grouped ? 2 : 4) ? 4 : 2;
}

using Run = void (*)(const Int8Job&);

template <class Codes>
Run run_for(bool grouped, std::int64_t rows) {
  static constexpr Run kOne[] = {
      run_tile<Codes, false, 1, 8>,  run_tile<Codes, false, 2, 4>,  run_tile<Codes, false, 3, 4>,
      run_tile<Codes, false, 4, 4>,  run_tile<Codes, false, 5, 2>,  run_tile<Codes, false, 6, 2>,
      run_tile<Codes, false, 7, 2>,  run_tile<Codes, false, 8, 2>,  run_tile<Codes, false, 9, 2>,
      run_tile<Codes, false, 10, 2>, run_tile<Codes, false, 11, 2>, run_tile<Codes, false, 12, 2>};
  static constexpr Run kMany[] = {run_tile<Codes, true, 1, 8>, run_tile<Codes, true, 2, 4>,
                                  run_tile<Codes, true, 3, 2>, run_tile<Codes, true, 4, 2>,
                                  run_tile<Codes, true, 5, 2>, run_tile<Codes, true, 6, 2>};
  return (grouped ? kMany : kOne)[rows - 1];
}

struct Int8Tiles {
  static std::int64_t panels(Format, bool grouped, std::int64_t rows) { return panels_for(grouped, rows); }
  static void run(Format format, bool grouped, std::int64_t rows, const Int8Job& job) {
    (format == Format::kInt8 ? run_for<Int8Panels>(grouped, rows) : run_for<Int4Panels>(grouped, rows))(job);
  }
  static constexpr auto activate = activate_block;
};

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<Int8Tiles>(x, output, tiles, panels);
}

}  // namespace avx512
}  // namespace

const LinearPath& avx512_linear_int8() {
  static constexpr LinearPath kPath{avx512::supports, avx512::tile_rows, avx512::prepare, avx512::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
