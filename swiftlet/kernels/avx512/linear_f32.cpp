// Matrix products in f32 over every encoding: f32 panels are read in place, the others are decoded a block of
// columns at a time into f32 panels on the stack, which all tiles then read.
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/chain.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr std::int64_t kBlockSteps = 1024;     // of K at a time when f32 panels are read in place
constexpr std::int64_t kDecodedColumns = 512;  // columns times panels of the block on the stack: 32 KiB

bool supports(const Encoding&) noexcept {
  return true;
}

int tile_rows(bool) noexcept {
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

// Decoders write columns [k.begin, k.end) of one panel to out [columns][16].

void decode_16_bits(const PanelView& w, std::int64_t panel, Range k, float* out) {
  const std::byte* pairs = w.codes + panel * w.geometry.panel_code_bytes + k.begin * kPanelRows * 2;
  const bool half = w.encoding.format == Format::kF16;
  for (std::int64_t c = k.begin; c < k.end; c += 2, pairs += 64, out += 2 * kPanelRows) {
    const __m512i pair = _mm512_loadu_si512(pairs);
    V even, odd;
    if (half) {
      even = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(pair));
      odd = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(pair, 16)));
    } else {
      even = _mm512_castsi512_ps(_mm512_slli_epi32(pair, 16));
      odd = _mm512_castsi512_ps(_mm512_and_si512(pair, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
    }
    _mm512_store_ps(out, even);
    _mm512_store_ps(out + kPanelRows, odd);
  }
}

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
  if (w.encoding.format == Format::kInt8 || w.encoding.format == Format::kInt4)
    decode_integers(w, panel, k, out);
  else
    decode_16_bits(w, panel, k, out);
}

void multiply_in_place(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) {
  const std::int64_t stride = output.weight.geometry.panel_code_bytes;
  const std::byte* codes = output.weight.codes + panels.begin * stride;
  for (std::int64_t k = 0; k < x.padded_k; k += kBlockSteps) {
    const Range block{k, k + kBlockSteps < x.padded_k ? k + kBlockSteps : x.padded_k};
    run_tiles<Chain<DotF32>>(x, output, tiles, panels, block, codes + k * 64, stride);
  }
}

void multiply_decoded(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) {
  alignas(64) float decoded[kDecodedColumns * kPanelRows];
  const std::int64_t columns = kDecodedColumns / panels_together<Chain<DotF32>>(x, tiles);
  for (std::int64_t k = 0; k < x.padded_k; k += columns) {
    const Range block{k, k + columns < x.padded_k ? k + columns : x.padded_k};
    for (std::int64_t p = panels.begin; p < panels.end; ++p)
      decode(output.weight, p, block, decoded + (p - panels.begin) * columns * kPanelRows);
    run_tiles<Chain<DotF32>>(x, output, tiles, panels, block, reinterpret_cast<const std::byte*>(decoded),
                             columns * kPanelRows * 4);
  }
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  const std::int64_t together = panels_together<Chain<DotF32>>(x, tiles);
  for (std::int64_t p = panels.begin; p < panels.end; p += together) {
    const Range some{p, p + together < panels.end ? p + together : panels.end};
    if (output.weight.encoding.format == Format::kF32)
      multiply_in_place(x, output, tiles, some);
    else
      multiply_decoded(x, output, tiles, some);
  }
}

}  // namespace avx512
}  // namespace

const LinearPath& avx512_linear_f32() {
  static constexpr LinearPath kPath{avx512::supports, avx512::tile_rows, avx512::prepare, avx512::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
