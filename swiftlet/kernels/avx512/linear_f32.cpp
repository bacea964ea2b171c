// Matrix products in f32 over every encoding: f32 panels are read in place, and so are the others when few
// rows meet them, decoded in registers. More rows meet blocks of columns decoded aside, into f32 panels on
// the stack, which all tiles then read.
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/blocks.h"
#include "swiftlet/kernels/avx512/chain.h"
#include "swiftlet/kernels/generic/codes_chain.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr std::int64_t kFewRows = 8;           // which meet encoded panels in place
constexpr std::int64_t kBlockSteps = 1024;     // of K at a time when f32 panels are read in place
constexpr std::int64_t kDecodedColumns = 512;  // columns times panels of the block on the stack: 32 KiB

bool supports(const Encoding& encoding) noexcept {
  return is_decoded(encoding);
}

int tile_rows(bool, std::int64_t) noexcept {
  return kChainRows;
}

struct ConvertF32 {
  static constexpr int kColumns = 16, kWords = 16;
  static void store(const float* x, std::int64_t count, std::uint32_t* words) {
    _mm512_store_ps(words, _mm512_maskz_loadu_ps(lanes(count), x));
  }
};

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  ConvertF32 convert;
  for_rows(p, tiles, [&](std::int64_t row, std::uint32_t* words, std::int64_t stride, std::int32_t*) {
    prepare_row(p, x + row * ldx, convert, words, stride, [](std::int64_t) {});
  });
}

// The two columns of a word of 16-bit formats, as the f32 words that DotF32 reads.
struct PairsBF16 {
  [[gnu::always_inline]] static inline __m512i even(__m512i pair) { return _mm512_slli_epi32(pair, 16); }
  [[gnu::always_inline]] static inline __m512i odd(__m512i pair) {
    return _mm512_and_si512(pair, _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
  }
};
struct PairsF16 {
  [[gnu::always_inline]] static inline __m512i even(__m512i pair) {
    return _mm512_castps_si512(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(pair)));
  }
  [[gnu::always_inline]] static inline __m512i odd(__m512i pair) { return even(_mm512_srli_epi32(pair, 16)); }
};

// Few rows meet 16-bit panels in place: decoding aside would keep the memory waiting. The chain is that of
// the decoded panels. The columns are even in number (encoding/panel.h).
template <class Pairs, int R, int P>
void run_pairs(const ChainJob& job) {
  Tile<V, R, P> sums;
  start_chain(sums, job);
  const Pointers<P> at = panel_pointers<P>(job.codes, job.panel_stride, job.panels);
  const std::uint32_t* x = job.words;
  for (std::int64_t i = 0, offset = 0; i < job.steps; i += 2, offset += 64, x += 2 * R) {
    mark_inner_loop();
    const Words<P> pair = load_words(at, offset);
    Words<P> column;
    for_both(
        column, pair, [](__m512i & c, __m512i w, int) __attribute__((always_inline)) { c = Pairs::even(w); });
    dot_tile<DotF32>(sums, column, x);
    for_both(
        column, pair, [](__m512i & c, __m512i w, int) __attribute__((always_inline)) { c = Pairs::odd(w); });
    dot_tile<DotF32>(sums, column, x + R);
  }
  end_chain(sums, job);
}

template <class Pairs>
struct PairChain {
  static std::int64_t panels(std::int64_t rows) { return Chain<DotF32>::panels(rows); }
  static void run(std::int64_t rows, const ChainJob& job) {
    using Run = void (*)(const ChainJob&);
    static constexpr Run kRun[] = {run_pairs<Pairs, 1, 4>, run_pairs<Pairs, 2, 4>, run_pairs<Pairs, 3, 4>,
                                   run_pairs<Pairs, 4, 4>, run_pairs<Pairs, 5, 2>, run_pairs<Pairs, 6, 2>,
                                   run_pairs<Pairs, 7, 2>, run_pairs<Pairs, 8, 2>};
    kRun[rows - 1](job);
  }
  static constexpr auto activate = activate_block;
};

// Scales and zero points of one group of one panel.
struct GroupOf {
  V scale;
  __m512i zero_point;
};

GroupOf load_group(const PanelView& w, std::int64_t panel, std::int64_t group) {
  const std::int64_t at = (panel * w.geometry.groups + group) * kPanelRows;
  GroupOf g;
  g.scale = w.geometry.scale_bytes == 2
                ? _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w.scales + at * 2)))
                : _mm512_loadu_ps(w.scales + at * 4);
  const int symmetric = w.encoding.format == Format::kInt8 ? Int8Codes::kZeroPoint : Int4Codes::kZeroPoint;
  g.zero_point =
      w.zero_points == nullptr
          ? _mm512_set1_epi32(symmetric)
          : _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w.zero_points + at)));
  return g;
}

// The registers of generic/codes_chain.h.
struct Lanes {
  using V = avx512::V;
  using W = __m512i;
  struct Scaling {
    V scale, zero_point;  // plus 2^23
  };
  static constexpr int kPerPanel = 1;

  static Scaling scaling(const PanelView& weight, std::int64_t panel, int, std::int64_t group) {
    const GroupOf g = load_group(weight, panel, group);
    return {g.scale, _mm512_add_ps(_mm512_cvtepi32_ps(g.zero_point), set(0x1p23f))};
  }
  [[gnu::always_inline]] static inline W load(const std::byte* codes) { return _mm512_loadu_si512(codes); }
  [[gnu::always_inline]] static inline W low(W both) { return _mm512_and_si512(both, _mm512_set1_epi8(15)); }
  [[gnu::always_inline]] static inline W high(W both) { return low(_mm512_srli_epi16(both, 4)); }
  // A code as the low byte of 2^23 is 2^23 + code: what is left after the subtraction is exact.
  template <int kColumn>
  [[gnu::always_inline]] static inline V column(W codes, const Scaling& s) {
    const W first = _mm512_set_epi32(12, 8, 4, 0, 12, 8, 4, 0, 12, 8, 4, 0, 12, 8, 4, 0);
    const W at = _mm512_add_epi32(first, _mm512_set1_epi32(kColumn));
    const W biased = _mm512_mask_shuffle_epi8(_mm512_set1_epi32(0x4b000000), 0x1111111111111111u, codes, at);
    return _mm512_mul_ps(_mm512_sub_ps(_mm512_castsi512_ps(biased), s.zero_point), s.scale);
  }
  [[gnu::always_inline]] static inline void dot(V& sum, V column, const std::uint32_t* x) {
    DotF32::add(sum, _mm512_castps_si512(column), x);
  }
  static V zero() { return _mm512_setzero_ps(); }
  static void end(const ChainJob& job, int r, int p, V sum) {
    const __mmask16 mask = panel_lanes(job.channels, p);
    if (job.bias != nullptr) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, job.bias + p * 16));
    _mm512_mask_storeu_ps(job.y + r * job.ldy + p * 16, mask, sum);
  }
};

template <class Codes>
struct CodesChain {
  static std::int64_t panels(std::int64_t rows) { return rows <= 2 ? kWidePanels : 2; }
  static void run(std::int64_t rows, const ChainJob& job) {
    using Run = void (*)(const ChainJob&);
    static constexpr Run kRun[] = {run_codes<Lanes, Codes, 1, 4>, run_codes<Lanes, Codes, 2, 4>,
                                   run_codes<Lanes, Codes, 3, 2>, run_codes<Lanes, Codes, 4, 2>,
                                   run_codes<Lanes, Codes, 5, 2>, run_codes<Lanes, Codes, 6, 2>,
                                   run_codes<Lanes, Codes, 7, 2>, run_codes<Lanes, Codes, 8, 2>};
    kRun[rows - 1](job);
  }
  static constexpr auto activate = activate_block;
};

// Decoders write columns [k.begin, k.end) of one panel to out [columns][16].

template <class Pairs>
void decode_pairs(const PanelView& w, std::int64_t panel, Range k, float* out) {
  const std::byte* pairs = w.codes + panel * w.geometry.panel_code_bytes + k.begin * kPanelRows * 2;
  for (std::int64_t c = k.begin; c < k.end; c += 2, pairs += 64, out += 2 * kPanelRows) {
    const __m512i pair = _mm512_loadu_si512(pairs);
    _mm512_store_si512(out, Pairs::even(pair));
    _mm512_store_si512(out + kPanelRows, Pairs::odd(pair));
  }
}

// Four columns whose codes are bytes 0..3 of each lane.
inline void store_four(const GroupOf& g, __m512i codes, float* out) {
  const __m512i byte = _mm512_set1_epi32(255);
  for (int j = 0; j < 4; ++j) {
    const __m512i code = _mm512_and_si512(_mm512_srli_epi32(codes, static_cast<unsigned>(8 * j)), byte);
    const V value = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(code, g.zero_point)), g.scale);
    _mm512_store_ps(out + j * kPanelRows, value);
  }
}

// The columns of one group within the block; codes points to the first of them.
void decode_part(const GroupOf& g, Format format, const std::byte* codes, std::int64_t columns, float* out) {
  if (format == Format::kInt8) {
    for (std::int64_t c = 0; c < columns; c += 4)
      store_four(g, _mm512_loadu_si512(codes + c * 16), out + c * 16);
    return;
  }
  const __m512i nibble = _mm512_set1_epi8(15);
  for (std::int64_t c = 0; c < columns; c += 8) {
    const __m512i both = _mm512_loadu_si512(codes + c * 8);
    store_four(g, _mm512_and_si512(both, nibble), out + c * 16);
    store_four(g, _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble), out + (c + 4) * 16);
  }
}

void decode_integers(const PanelView& w, std::int64_t panel, Range k, float* out) {
  const std::byte* codes = w.codes + panel * w.geometry.panel_code_bytes;
  const std::int64_t bits = w.encoding.format == Format::kInt8 ? 8 : 4;
  for (std::int64_t c = k.begin; c < k.end;) {
    const std::int64_t group = c / w.geometry.padded_group;
    const std::int64_t group_end = (group + 1) * w.geometry.padded_group;
    const std::int64_t end = group_end < k.end ? group_end : k.end;
    decode_part(load_group(w, panel, group), w.encoding.format, codes + c * kPanelRows * bits / 8, end - c,
                out);
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
  const std::int64_t together = panels_together<Chain<DotF32>>(x, tiles),
                     columns = kDecodedColumns / together;
  for (std::int64_t p = panels.begin; p < panels.end; p += together) {
    const Range some{p, p + together < panels.end ? p + together : panels.end};
    for (std::int64_t k = 0; k < x.padded_k; k += columns) {
      const Range block{k, k + columns < x.padded_k ? k + columns : x.padded_k};
      for (std::int64_t i = some.begin; i < some.end; ++i)
        decode(output.weight, i, block, decoded + (i - some.begin) * columns * kPanelRows);
      run_tiles<Chain<DotF32>>(x, output, tiles, some, block, reinterpret_cast<const std::byte*>(decoded),
                               columns * kPanelRows * 4);
    }
  }
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  const Format format = output.weight.encoding.format;
  const bool few_rows =
      tiles.end - tiles.begin == 1 && tile_row(x, tiles.end) - tile_row(x, tiles.begin) <= kFewRows;
  if (format == Format::kF32)
    multiply_in_place<Chain<DotF32>>(x, output, tiles, panels, 4, kBlockSteps);
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

}  // namespace avx512
}  // namespace

const LinearPath& avx512_linear_f32() {
  static constexpr LinearPath kPath{avx512::supports, avx512::tile_rows, avx512::prepare, avx512::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
