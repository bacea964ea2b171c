// Matrix products in int8 without VNNI: VPMADDUBSW takes unsigned times signed bytes and adds pairs in int16,
// which saturates when both sides use their full range. So
//
//   int8   |code - 128| is the unsigned side, its sign moves to the code of x: 128 * 127 * 2 = 32512 fits
//   int4   the code itself is the unsigned side: 15 * 127 * 2 = 3810, and the sum of two such still fits
//
//   M tokens   N output channels   K input channels   R rows of a tile   H halves of panels of a tile
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/int8_tiles.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

constexpr int kMaxRows = 4;

int tile_rows(bool, std::int64_t) noexcept {
  return kMaxRows;
}

// A code of the weight with the value (code - kOffset) as its unsigned and its sign-carrying part.
struct Signed {
  __m256i magnitude, sign;
};

constexpr Constant kOnes = constant_of([](int i) { return i % 2 == 0; });

// Sums of neighbours, in int32.
[[gnu::always_inline]] inline __m256i add_pairs(__m256i pairs) {
  __m256i sums;
  __asm__("vpmaddwd %2, %1, %0" : "=x"(sums) : "x"(pairs), "m"(kOnes));
  return sums;
}

struct DotInt8 {
  [[gnu::always_inline]] static inline __m256i word(const std::uint32_t* x) {
    return _mm256_set1_epi32(static_cast<int>(*x));
  }
  [[gnu::always_inline]] static inline void add(__m256i& acc, const Signed& w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(x, w.sign));
    acc = _mm256_add_epi32(acc, add_pairs(pairs));
  }
};

struct Int8Panels {
  static constexpr int kZeroPoint = Int8Codes::kZeroPoint;
  static constexpr int kOffset = 128;  // taken off the codes in the loop
  static constexpr std::int64_t kColumnsPerStep = 4;

  template <int R, int H>
  [[gnu::always_inline]] static inline void step(Tile<__m256i, R, H>& tile, const Pointers<H>& codes,
                                                 std::int64_t offset, const std::uint32_t* x) {
    PerPanel<Signed, H> split;
    for_both(
        split, load_words(codes, offset), [](Signed & s, __m256i w, int) __attribute__((always_inline)) {
          s.sign = _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(0x80)));
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
    acc = _mm256_add_epi32(acc, add_pairs(pairs));
  }
};

struct Int4Panels {
  static constexpr int kZeroPoint = Int4Codes::kZeroPoint;
  static constexpr int kOffset = 0;
  static constexpr std::int64_t kColumnsPerStep = 8;

  template <int R, int H>
  [[gnu::always_inline]] static inline void step(Tile<__m256i, R, H>& tile, const Pointers<H>& codes,
                                                 std::int64_t offset, const std::uint32_t* x) {
    PerPanel<Nibbles, H> nibbles;
    for_both(
        nibbles, load_words(codes, offset),
        [](Nibbles & n, __m256i both, int) __attribute__((always_inline)) {
          n.low = low_nibbles(both);
          n.high = high_nibbles(both);
        });
    dot_tile<DotInt4<R>>(tile, nibbles, x);
  }
};

using Run = void (*)(const Int8Job&);

template <class Codes>
Run run_for(std::int64_t rows) {
  static constexpr Run kRun[] = {run_tile<Codes, 1, 4>, run_tile<Codes, 2, 2>, run_tile<Codes, 3, 2>,
                                 run_tile<Codes, 4, 2>};
  return kRun[rows - 1];
}

struct Int8Tiles {
  static std::int64_t panels(Format, bool, std::int64_t rows) { return rows == 1 ? 2 : 1; }
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
