// Matrix products in bf16: x rounded to bf16, bf16 weights, f32 sums (VDPBF16PS).
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avx512/chain.h"
#include "swiftlet/kernels/generic/prepare.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr std::int64_t kBlockSteps =
    1024;  // of K at a time: two panels of them rest in the second-level cache

bool supports(const Encoding& encoding) noexcept {
  return encoding.format == Format::kBF16;
}

int tile_rows(bool, std::int64_t) noexcept {
  return kChainRows;
}

struct ConvertBF16 {
  static constexpr int kColumns = 16, kWords = 8;
  static void store(const float* x, std::int64_t count, std::uint32_t* words) {
    const __m256bh halves = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes(count), x));
    __builtin_memcpy(words, &halves, sizeof halves);
  }
};

void prepare(const PreparedRows& p, const float* x, std::int64_t ldx, Range tiles) noexcept {
  ConvertBF16 convert;
  for_rows(p, tiles, [&](std::int64_t row, std::uint32_t* words, std::int64_t stride, std::int32_t*) {
    prepare_row(p, x + row * ldx, convert, words, stride, [](std::int64_t) {});
  });
}

void multiply(const PreparedRows& x, const LinearOutput& output, Range tiles, Range panels) noexcept {
  const std::int64_t together = panels_together<Chain<DotBF16>>(x, tiles), steps = x.padded_k / 2;
  const std::int64_t stride = output.weight.geometry.panel_code_bytes;
  for (std::int64_t p = panels.begin; p < panels.end; p += together) {
    const Range some{p, p + together < panels.end ? p + together : panels.end};
    for (std::int64_t k = 0; k < steps; k += kBlockSteps) {
      const Range block{k, k + kBlockSteps < steps ? k + kBlockSteps : steps};
      run_tiles<Chain<DotBF16>>(x, output, tiles, some, block, output.weight.codes + p * stride + k * 64,
                                stride);
    }
  }
}

}  // namespace avx512
}  // namespace

const LinearPath& avx512_linear_bf16() {
  static constexpr LinearPath kPath{avx512::supports, avx512::tile_rows, avx512::prepare, avx512::multiply};
  return kPath;
}

}  // namespace swiftlet::kernels
