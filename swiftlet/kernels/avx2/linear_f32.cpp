// Matrix products in f32 over every encoding: f32 panels are read in place, and so are the others when few
// rows meet them, decoded in registers. More rows meet blocks of columns decoded aside, into f32 panels on
// the stack, which all tiles then read.
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx2/blocks.h"
#include "swiftlet/kernels/avx2/tile.h"
#include "swiftlet/kernels/generic/chain.h"
#include "swiftlet/kernels/generic/codes_chain.h"
#include "swiftlet/kernels/generic/inner_loop.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx2 {

constexpr int kChainRows = 6;                  // of two halves: 12 of 16 registers accumulate
constexpr std::int64_t kWidePanels = 2;        // of tiles of up to 2 rows, bound by memory
constexpr std::int64_t kFewRows = 4;           // which meet encoded panels in place
constexpr std::int64_t kBlockSteps = 512;      // of K at a time when f32 panels are read in place
constexpr std::int64_t kDecodedColumns = 256;  // columns times panels of the block on the stack: 16 KiB

bool supports(const Encoding& encoding) noexcept {
  return is_decoded(encoding);
}

int tile_rows(bool, std::int64_t) noexcept {
  return kChainRows;
}

struct ConvertF32 {
  static constexpr int kColumns = 8, kWords = 8;
  static void store(const float* x, std::int64_t count, std::uint32_t* words) {
    _mm256_store_ps(reinterpret_cast<float*>(words), load_lanes(x, count));
  }
};

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  ConvertF32 convert;
  for_rows(p, tiles, [&](std::int64_t row, std::uint32_t* words, std::int64_t stride, std::int32_t*) {
    prepare_row(p, x + row * ldx, convert, words, stride, [](std::int64_t) {});
  });
}

struct Dot {
  [[gnu::always_inline]] static inline V word(const std::uint32_t* x) {
    return _mm256_broadcast_ss(reinterpret_cast<const float*>(x));
  }
  [[gnu::always_inline]] static inline void add(V& acc, __m256i w, V x) {
    acc = _mm256_fmadd_ps(_mm256_castsi256_ps(w), x, acc);
  }
};

template <int R, int H>
[[gnu::always_inline]] inline void start_chain(Tile<V, R, H>& sums, const ChainJob& job) {
  for_tile(
      sums, [&](V & sum, int r, int h) __attribute__((always_inline)) {
        sum = job.first ? _mm256_setzero_ps() : load_lanes(job.y + r * job.ldy + h * 8, job.channels - h * 8);
      });
}

template <int R, int H>
[[gnu::always_inline]] inline void end_chain(Tile<V, R, H>& sums, const ChainJob& job) {
  const bool biased = job.last && job.bias != nullptr;
  for_tile(
      sums, [&](V & sum, int r, int h) __attribute__((always_inline)) {
        const std::int64_t left = job.channels - h * 8;
        if (biased) sum = _mm256_add_ps(sum, load_lanes(job.bias + h * 8, left));
        store_lanes(job.y + r * job.ldy + h * 8, left, sum);
      });
}

template <int R, int H>
void run_chain(const ChainJob& job) {
  Tile<V, R, H> sums;
  start_chain(sums, job);
  const Pointers<H> at = half_pointers<H>(job.codes, job.panel_stride, job.panels, 32);
  const std::uint32_t* x = job.words;
  for (std::int64_t i = 0, offset = 0; i < job.steps; ++i, offset += 64, x += R) {
    mark_inner_loop();
    dot_tile<Dot>(sums, load_words(at, offset), x);
  }
  end_chain(sums, job);
}

// The lower halves of eight 32-bit lanes, in order.
inline __m128i lower_halves(__m256i pairs) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i packed = _mm256_packus_epi32(_mm256_blend_epi16(pairs, zero, 0xaa), zero);
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}

// The two columns of a word of 16-bit formats, as the f32 words that Dot reads.
struct PairsBF16 {
  [[gnu::always_inline]] static inline __m256i even(__m256i pair) { return _mm256_slli_epi32(pair, 16); }
  [[gnu::always_inline]] static inline __m256i odd(__m256i pair) {
    return _mm256_and_si256(pair, _mm256_set1_epi32(static_cast<int>(0xffff0000u)));
  }
};
struct PairsF16 {
  [[gnu::always_inline]] static inline __m256i even(__m256i pair) {
    return _mm256_castps_si256(_mm256_cvtph_ps(lower_halves(pair)));
  }
  [[gnu::always_inline]] static inline __m256i odd(__m256i pair) { return even(_mm256_srli_epi32(pair, 16)); }
};

// Few rows meet 16-bit panels in place: decoding aside would keep the memory waiting. The chain is that of
// the decoded panels. The columns are even in number (encoding/panel.h).
template <class Pairs, int R, int H>
void run_pairs(const ChainJob& job) {
  Tile<V, R, H> sums;
  start_chain(sums, job);
  const Pointers<H> at = half_pointers<H>(job.codes, job.panel_stride, job.panels, 32);
  const std::uint32_t* x = job.words;
  for (std::int64_t i = 0, offset = 0; i < job.steps; i += 2, offset += 64, x += 2 * R) {
    mark_inner_loop();
    const Words<H> pair = load_words(at, offset);
    Words<H> column;
    for_both(
        column, pair, [](__m256i & c, __m256i w, int) __attribute__((always_inline)) { c = Pairs::even(w); });
    dot_tile<Dot>(sums, column, x);
    for_both(
        column, pair, [](__m256i & c, __m256i w, int) __attribute__((always_inline)) { c = Pairs::odd(w); });
    dot_tile<Dot>(sums, column, x + R);
  }
  end_chain(sums, job);
}

struct Chain {
  static std::int64_t panels(std::int64_t rows) { return rows <= 2 ? kWidePanels : 1; }
  static void run(std::int64_t rows, const ChainJob& job) {
    using Run = void (*)(const ChainJob&);
    static constexpr Run kRun[] = {run_chain<1, 4>, run_chain<2, 4>, run_chain<3, 2>,
                                   run_chain<4, 2>, run_chain<5, 2>, run_chain<6, 2>};
    kRun[rows - 1](job);
  }
  static constexpr auto activate = activate_block;
};

template <class Pairs>
struct PairChain {
  static std::int64_t panels(std::int64_t rows) { return rows == 1 ? 2 : 1; }
  static void run(std::int64_t rows, const ChainJob& job) {
    using Run = void (*)(const ChainJob&);
    static constexpr Run kRun[] = {run_pairs<Pairs, 1, 4>, run_pairs<Pairs, 2, 2>, run_pairs<Pairs, 3, 2>,
                                   run_pairs<Pairs, 4, 2>};
    kRun[rows - 1](job);
  }
  static constexpr auto activate = activate_block;
};

// Scales and zero points of one group of half a panel.
struct GroupOf {
  V scale;
  __m256i zero_point;
};

GroupOf load_group(const PanelView& w, std::int64_t panel, std::int64_t group, int half) {
  const std::int64_t at = (panel * w.geometry.groups + group) * kPanelRows + half * 8;
  const int symmetric = w.encoding.format == Format::kInt8 ? Int8Codes::kZeroPoint : Int4Codes::kZeroPoint;
  GroupOf g;
  g.scale = load_scales(w.scales + at * w.geometry.scale_bytes, w.geometry.scale_bytes == 2);
  g.zero_point = w.zero_points == nullptr
                     ? _mm256_set1_epi32(symmetric)
                     : load_zero_points(reinterpret_cast<const std::byte*>(w.zero_points + at));
  return g;
}

// Bytes j of eight lanes, zeros above them.
template <int kColumn>
inline constexpr Constant kBytesOf = constant_of([](int i) { return i % 4 == 0 ? i % 16 + kColumn : 0x80; });

// The registers of generic/codes_chain.h: halves of panels.
struct Lanes {
  using V = avx2::V;
  using W = __m256i;
  struct Scaling {
    V scale, zero_point;
  };
  static constexpr int kPerPanel = 2;

  static Scaling scaling(const PanelView& weight, std::int64_t panel, int half, std::int64_t group) {
    const GroupOf g = load_group(weight, panel, group, half);
    return {g.scale, _mm256_cvtepi32_ps(g.zero_point)};
  }
  [[gnu::always_inline]] static inline W load(const std::byte* codes) {
    return _mm256_loadu_si256(reinterpret_cast<const W*>(codes));
  }
  [[gnu::always_inline]] static inline W low(W both) { return low_nibbles(both); }
  [[gnu::always_inline]] static inline W high(W both) { return high_nibbles(both); }
  template <int kColumn>
  [[gnu::always_inline]] static inline V column(W codes, const Scaling& s) {
    W code;
    __asm__("vpshufb %2, %1, %0" : "=x"(code) : "x"(codes), "m"(kBytesOf<kColumn>));
    return _mm256_mul_ps(_mm256_sub_ps(_mm256_cvtepi32_ps(code), s.zero_point), s.scale);
  }
  // One statement, so that no compiler keeps a word of x for the other units: the registers are taken.
  [[gnu::always_inline]] static inline void dot(V& sum, V column, const std::uint32_t* x) {
    V word;
    __asm__("vbroadcastss %3, %1\n\tvfmadd231ps %2, %1, %0" : "+x"(sum), "=&x"(word) : "x"(column), "m"(*x));
  }
  static V zero() { return _mm256_setzero_ps(); }
  static void end(const ChainJob& job, int r, int h, V sum) {
    const std::int64_t left = job.channels - h * 8;
    if (job.bias != nullptr) sum = _mm256_add_ps(sum, load_lanes(job.bias + h * 8, left));
    store_lanes(job.y + r * job.ldy + h * 8, left, sum);
  }
};

template <class Codes>
struct CodesChain {
  static std::int64_t panels(std::int64_t rows) { return rows == 1 ? 2 : 1; }
  static void run(std::int64_t rows, const ChainJob& job) {
    using Run = void (*)(const ChainJob&);
    static constexpr Run kRun[] = {run_codes<Lanes, Codes, 1, 4>, run_codes<Lanes, Codes, 2, 2>,
                                   run_codes<Lanes, Codes, 3, 2>, run_codes<Lanes, Codes, 4, 2>};
    kRun[rows - 1](job);
  }
  static constexpr auto activate = activate_block;
};

// Decoders write columns [k.begin, k.end) of one panel to out [columns][16].

template <class Pairs>
void decode_pairs(const PanelView& w, std::int64_t panel, Range k, float* out) {
  const std::byte* pairs = w.codes + panel * w.geometry.panel_code_bytes + k.begin * kPanelRows * 2;
  for (std::int64_t c = k.begin; c < k.end; c += 2, pairs += 64, out += 2 * kPanelRows)
    for (int half = 0; half < 2; ++half) {
      const __m256i pair = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs + half * 32));
      _mm256_store_si256(reinterpret_cast<__m256i*>(out + half * 8), Pairs::even(pair));
      _mm256_store_si256(reinterpret_cast<__m256i*>(out + kPanelRows + half * 8), Pairs::odd(pair));
    }
}

// Four columns whose codes are bytes 0..3 of each lane.
inline void store_four(const GroupOf& g, __m256i codes, float* out) {
  const __m256i byte = _mm256_set1_epi32(255);
  for (int j = 0; j < 4; ++j) {
    const __m256i code = _mm256_and_si256(_mm256_srli_epi32(codes, 8 * j), byte);
    const V value = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(code, g.zero_point)), g.scale);
    _mm256_store_ps(out + j * kPanelRows, value);
  }
}

// The columns of one group within the block, half a panel; codes and out point to the first of them.
void decode_part(const GroupOf& g, Format format, const std::byte* codes, std::int64_t columns, float* out) {
  const __m256i nibble = _mm256_set1_epi8(15);
  if (format == Format::kInt8) {
    for (std::int64_t c = 0; c < columns; c += 4)
      store_four(g, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + c * 16)), out + c * 16);
    return;
  }
  for (std::int64_t c = 0; c < columns; c += 8) {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + c * 8));
    store_four(g, _mm256_and_si256(both, nibble), out + c * 16);
    store_four(g, _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble), out + (c + 4) * 16);
  }
}

void decode_integers(const PanelView& w, std::int64_t panel, Range k, float* out) {
  const std::byte* codes = w.codes + panel * w.geometry.panel_code_bytes;
  const std::int64_t bits = w.encoding.format == Format::kInt8 ? 8 : 4;
  for (std::int64_t c = k.begin; c < k.end;) {
    const std::int64_t group = c / w.geometry.padded_group;
    const std::int64_t group_end = (group + 1) * w.geometry.padded_group;
    const std::int64_t end = group_end < k.end ? group_end : k.end;
    for (int half = 0; half < 2; ++half)
      decode_part(load_group(w, panel, group, half), w.encoding.format,
                  codes + c * kPanelRows * bits / 8 + half * 32, end - c, out + half * 8);
    out += (end - c) * kPanelRows;
    c = end;
  }
}

void decode(const PanelView& w, std::int64_t panel, Range k, float* out) {
  if (w.encoding.format == Format::kF16)
    decode_pairs<PairsF16>(w, panel, k, out);
  else if (w.encoding.format == Format::kBF16)
    decode_pairs<PairsBF16>(w, panel, k, out);
  else if (has_blocks(w.encoding))
    decode_blocks<BlockLanes>(w, panel, k, out);
  else
    decode_integers(w, panel, k, out);
}

// Panels as they lie. element_bytes: of one column of one row; K goes in blocks of block_steps.
template <class Kind>
void multiply_in_place(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels,
                       std::int64_t element_bytes, std::int64_t block_steps) {
  const std::int64_t stride = output.weight.geometry.panel_code_bytes,
                     together = panels_together<Kind>(x, tiles);
  for (std::int64_t p = panels.begin; p < panels.end; p += together) {
    const Range some{p, p + together < panels.end ? p + together : panels.end};
    for (std::int64_t k = 0; k < x.padded_k; k += block_steps) {
      const Range block{k, k + block_steps < x.padded_k ? k + block_steps : x.padded_k};
      const std::byte* codes = output.weight.codes + p * stride + k * kPanelRows * element_bytes;
      run_tiles<Kind>(x, output, tiles, some, block, codes, stride);
    }
  }
}

void multiply_decoded(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) {
  alignas(64) float decoded[kDecodedColumns * kPanelRows];
  const std::int64_t together = panels_together<Chain>(x, tiles), columns = kDecodedColumns / together;
  for (std::int64_t p = panels.begin; p < panels.end; p += together) {
    const Range some{p, p + together < panels.end ? p + together : panels.end};
    for (std::int64_t k = 0; k < x.padded_k; k += columns) {
      const Range block{k, k + columns < x.padded_k ? k + columns : x.padded_k};
      for (std::int64_t i = some.begin; i < some.end; ++i)
        decode(output.weight, i, block, decoded + (i - some.begin) * columns * kPanelRows);
      run_tiles<Chain>(x, output, tiles, some, block, reinterpret_cast<const std::byte*>(decoded),
                       columns * kPanelRows * 4);
    }
  }
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  const Format format = output.weight.encoding.format;
  const bool few_rows =
      tiles.end - tiles.begin == 1 && tile_row(x, tiles.end) - tile_row(x, tiles.begin) <= kFewRows;
  if (format == Format::kF32)
    multiply_in_place<Chain>(x, output, tiles, panels, 4, kBlockSteps);
  else if (!few_rows || has_blocks(output.weight.encoding))
    multiply_decoded(x, output, tiles, panels);
  else if (format == Format::kBF16)
    multiply_in_place<PairChain<PairsBF16>>(x, output, tiles, panels, 2, kBlockSteps);
  else if (format == Format::kF16)
    multiply_in_place<PairChain<PairsF16>>(x, output, tiles, panels, 2, kBlockSteps);
  else if (format == Format::kInt8)
    multiply_in_place<CodesChain<ByteCodes>>(x, output, tiles, panels, 1, x.padded_k);
  else
    multiply_in_place<CodesChain<NibbleCodes>>(x, output, tiles, panels, 0, x.padded_k);
}

}  // namespace avx2
}  // namespace

const LinearPath& avx2_linear_f32() {
  static constexpr LinearPath kPath{avx2::supports, avx2::tile_rows, avx2::prepare, avx2::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
