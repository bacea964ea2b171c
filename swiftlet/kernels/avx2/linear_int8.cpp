// Matrix products in int8 without VNNI: VPMADDUBSW takes unsigned times signed bytes and adds pairs in int16,
// which saturates when both sides use their full range. So
//
//   int8   |code - 128| is the unsigned side, its sign moves to the code of x: 128 * 127 * 2 = 32512 fits
//   int4   the code itself is the unsigned side: 15 * 127 * 2 = 3810, and the sum of two such still fits
//
//   M tokens   N output channels   K input channels   R rows of a tile   H halves of panels of a tile
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/tile.h"
#include "swiftlet/kernels/generic/int8_job.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

constexpr int kMaxRows = 4;

bool supports(const Encoding& encoding) noexcept {
  return encoding.format == Format::kInt8 || encoding.format == Format::kInt4;
}

int tile_rows(bool) noexcept {
  return kMaxRows;
}

inline std::int32_t reduce_add(__m256i v) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
inline std::int32_t reduce_max(__m256i v) {
  __m128i most = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(most, _mm_shuffle_epi32(most, 0xb1)));
}

std::int32_t largest_magnitude(const float* x, std::int64_t k) {
  const V sign = set(-0.0f);
  __m256i most = _mm256_setzero_si256();
  for (std::int64_t c = 0; c < k; c += 8)
    most = _mm256_max_epi32(most, _mm256_castps_si256(_mm256_andnot_ps(sign, load_lanes(x + c, k - c))));
  return reduce_max(most);
}

// Rounds x * inverse to codes within ±127 and sums them.
struct ConvertInt8 {
  static constexpr int kColumns = 8, kWords = 2;
  V inverse;
  __m256i sum = _mm256_setzero_si256();

  void store(const float* x, std::int64_t count, std::uint32_t* words) {
    const __m256i codes = _mm256_cvtps_epi32(_mm256_mul_ps(load_lanes(x, count), inverse));
    sum = _mm256_add_epi32(sum, codes);
    const __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(words), _mm_packs_epi16(shorts, shorts));
  }
  std::int32_t take_sum() {
    const std::int32_t total = reduce_add(sum);
    sum = _mm256_setzero_si256();
    return total;
  }
};

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  for_rows(p, tiles, [&](std::int64_t row, std::uint32_t* words, std::int64_t stride, std::int32_t* sums) {
    const float* from = x + row * ldx;
    const RowScale scale = row_scale(largest_magnitude(from, p.k));
    p.scales[row] = scale.scale;
    if (scale.inverse == 0) return clear_row(p, words, stride, sums);
    ConvertInt8 convert{set(scale.inverse)};
    prepare_row(p, from, convert, words, stride,
                [&](std::int64_t g) { sums[g * stride] = convert.take_sum(); });
  });
}

// A code of the weight with the value (code - kOffset) as its unsigned and its sign-carrying part.
struct Signed {
  __m256i magnitude, sign;
};

struct DotInt8 {
  [[gnu::always_inline]] static inline __m256i word(const std::uint32_t* x) {
    return _mm256_set1_epi32(static_cast<int>(*x));
  }
  [[gnu::always_inline]] static inline void add(__m256i& acc, const Signed& w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(x, w.sign));
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

struct Int8Panels {
  static constexpr int kZeroPoint = Int8Codes::kZeroPoint;
  static constexpr int kOffset = 128;  // taken off the codes in the loop
  static constexpr std::int64_t kColumnsPerStep = 4;

  template <int R, int H>
  [[gnu::always_inline]] static inline void step(Tile<__m256i, R, H>& tile, const Words<H>& w,
                                                 const std::uint32_t* x) {
    PerPanel<Signed, H> split;
    for_both(
        split, w, [](Signed & s, __m256i codes, int) __attribute__((always_inline)) {
          s.sign = _mm256_xor_si256(codes, _mm256_set1_epi8(static_cast<char>(0x80)));
          s.magnitude = _mm256_abs_epi8(s.sign);
        });
    dot_tile<DotInt8>(tile, split, x);
  }
};

// Low and high nibbles of eight columns.
struct Nibbles {
  __m256i low, high;
};
// The two words of x that meet them.
struct WordPair {
  __m256i low, high;
};

template <int R>
struct DotInt4 {
  [[gnu::always_inline]] static inline WordPair word(const std::uint32_t* x) {
    return {_mm256_set1_epi32(static_cast<int>(x[0])), _mm256_set1_epi32(static_cast<int>(x[R]))};
  }
  [[gnu::always_inline]] static inline void add(__m256i& acc, const Nibbles& w, const WordPair& x) {
    const __m256i pairs =
        _mm256_add_epi16(_mm256_maddubs_epi16(w.low, x.low), _mm256_maddubs_epi16(w.high, x.high));
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

struct Int4Panels {
  static constexpr int kZeroPoint = Int4Codes::kZeroPoint;
  static constexpr int kOffset = 0;
  static constexpr std::int64_t kColumnsPerStep = 8;

  template <int R, int H>
  [[gnu::always_inline]] static inline void step(Tile<__m256i, R, H>& tile, const Words<H>& w,
                                                 const std::uint32_t* x) {
    const __m256i mask = _mm256_set1_epi8(15);
    PerPanel<Nibbles, H> nibbles;
    for_both(
        nibbles, w, [&](Nibbles & n, __m256i both, int) __attribute__((always_inline)) {
          n.low = _mm256_and_si256(both, mask);
          n.high = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
        });
    dot_tile<DotInt4<R>>(tile, nibbles, x);
  }
};

// The sums of a group start from minus the zero points' share.
template <class Codes, int R, int H>
[[gnu::always_inline]] inline void start_group(Tile<__m256i, R, H>& tile, const Int8Job& job,
                                               const Pointers<H>& zero_points, std::int64_t group) {
  const std::int32_t* sums = job.sums + group * R;
  if (job.weight->zero_points == nullptr) {
    for_tile(
        tile, [&](__m256i & acc, int r, int) __attribute__((always_inline)) {
          acc = _mm256_set1_epi32((Codes::kOffset - Codes::kZeroPoint) * sums[r]);
        });
    return;
  }
  Words<H> zero;
  for_both(
      zero, zero_points, [&](__m256i & z, const std::byte* at, int) __attribute__((always_inline)) {
        z = _mm256_sub_epi32(load_zero_points(at + group * kPanelRows), _mm256_set1_epi32(Codes::kOffset));
      });
  for_tile_with(
      tile, zero, [&](__m256i & acc, const __m256i& z, int r, int) __attribute__((always_inline)) {
        acc = _mm256_mullo_epi32(z, _mm256_set1_epi32(-sums[r]));
      });
}

// total += f32(sums) * scale of the half.
template <int H>
[[gnu::always_inline]] inline void add_scaled(PerPanel<V, H>& total, const PerPanel<__m256i, H>& sums,
                                              const PerPanel<V, H>& scales) {
  if constexpr (H > 0) {
    add_scaled(total.before, sums.before, scales.before);
    total.last = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums.last), scales.last, total.last);
  }
}
template <int R, int H>
[[gnu::always_inline]] inline void add_scaled(Tile<V, R, H>& total, const Tile<__m256i, R, H>& sums,
                                              const PerPanel<V, H>& scales) {
  if constexpr (R > 0) {
    add_scaled(total.before, sums.before, scales);
    add_scaled(total.row, sums.row, scales);
  }
}

// Where the halves of a job's panels lie.
template <int H>
struct HalvesAt {
  Pointers<H> codes, scales, zero_points;
};

template <int H>
inline HalvesAt<H> halves_at(const PanelView& w, std::int64_t panel, std::int64_t left) {
  const std::int64_t lanes_of_panel = w.geometry.groups * kPanelRows, bytes = w.geometry.scale_bytes;
  const std::int64_t code_stride = w.geometry.panel_code_bytes, scale_stride = lanes_of_panel * bytes;
  HalvesAt<H> at;
  at.codes = half_pointers<H>(w.codes + panel * code_stride, code_stride, left, 32);
  at.scales = half_pointers<H>(w.scales + panel * scale_stride, scale_stride, left, 8 * bytes);
  const auto* zero_points = reinterpret_cast<const std::byte*>(w.zero_points);
  if (zero_points != nullptr)
    at.zero_points = half_pointers<H>(zero_points + panel * lanes_of_panel, lanes_of_panel, left, 8);
  else
    at.zero_points = at.codes;  // not read
  return at;
}

template <int R, int H>
[[gnu::always_inline]] inline void store(Tile<V, R, H>& total, const Int8Job& job) {
  for_tile(
      total, [&](V & sum, int r, int h) __attribute__((always_inline)) {
        const std::int64_t left = job.channels - h * 8;
        const V bias = job.bias == nullptr ? _mm256_setzero_ps() : load_lanes(job.bias + h * 8, left);
        store_lanes(job.y + r * job.ldy + h * 8, left, _mm256_fmadd_ps(sum, set(job.scales[r]), bias));
      });
}

template <class Codes, int R, int H>
void run_tile(const Int8Job& job) {
  const PanelGeometry& g = job.weight->geometry;
  const HalvesAt<H> at = halves_at<H>(*job.weight, job.panel, job.panels_left);
  const bool half_scales = g.scale_bytes == 2;
  const std::uint32_t* x = job.words;
  std::int64_t offset = 0;
  Tile<V, R, H> total;
  for_tile(
      total, [](V & sum, int, int) __attribute__((always_inline)) { sum = _mm256_setzero_ps(); });
  for (std::int64_t group = 0; group < g.groups; ++group) {
    const std::int64_t end = group + 1 < g.groups ? (group + 1) * g.padded_group : g.padded_k;
    Tile<__m256i, R, H> tile;
    start_group<Codes>(tile, job, at.zero_points, group);
    for (std::int64_t c = group * g.padded_group; c < end; c += Codes::kColumnsPerStep) {
      Codes::template step<R, H>(tile, load_words(at.codes, offset), x);
      offset += 64;
      x += Codes::kColumnsPerStep / 4 * R;
    }
    PerPanel<V, H> scales;
    for_both(
        scales, at.scales, [&](V & scale, const std::byte* from, int) __attribute__((always_inline)) {
          scale = load_scales(from + group * kPanelRows * g.scale_bytes, half_scales);
        });
    add_scaled(total, tile, scales);
  }
  store(total, job);
}

using Run = void (*)(const Int8Job&);

template <class Codes>
Run run_for(std::int64_t rows) {
  static constexpr Run kRun[] = {run_tile<Codes, 1, 4>, run_tile<Codes, 2, 2>, run_tile<Codes, 3, 2>,
                                 run_tile<Codes, 4, 2>};
  return kRun[rows - 1];
}

struct Int8Tiles {
  static std::int64_t panels(bool, std::int64_t rows) { return rows == 1 ? 2 : 1; }
  static void run(Format format, bool, std::int64_t rows, const Int8Job& job) {
    (format == Format::kInt8 ? run_for<Int8Panels>(rows) : run_for<Int4Panels>(rows))(job);
  }
  static constexpr auto activate = activate_block;
};

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  multiply_int8<Int8Tiles>(x, output, tiles, panels);
}

}  // namespace avx2
}  // namespace

const LinearPath& avx2_linear_int8() {
  static constexpr LinearPath kPath{avx2::supports, avx2::tile_rows, avx2::prepare, avx2::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
