// Chains of float products in registers: see generic/chain.h.
//
//   R rows of a tile   P panels of a tile
#pragma once

#include "swiftlet/kernels/avx512/epilogue.h"
#include "swiftlet/kernels/avx512/tile.h"
#include "swiftlet/kernels/generic/chain.h"
#include "swiftlet/kernels/generic/inner_loop.h"

namespace swiftlet::kernels {
namespace {
namespace avx512 {

constexpr int kChainRows = 12;
constexpr std::int64_t kWidePanels = 4;  // of tiles of few rows, bound by memory

template <int R, int P>
[[gnu::always_inline]] inline void start_chain(Tile<V, R, P>& sums, const ChainJob& job) {
  for_tile(
      sums, [&](V & sum, int r, int p) __attribute__((always_inline)) {
        sum = job.first ? _mm512_setzero_ps()
                        : _mm512_maskz_loadu_ps(panel_lanes(job.channels, p), job.y + r * job.ldy + p * 16);
      });
}

template <int R, int P>
[[gnu::always_inline]] inline void end_chain(Tile<V, R, P>& sums, const ChainJob& job) {
  const bool biased = job.last && job.bias != nullptr;
  for_tile(
      sums, [&](V & sum, int r, int p) __attribute__((always_inline)) {
        const __mmask16 mask = panel_lanes(job.channels, p);
        if (biased) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, job.bias + p * 16));
        _mm512_mask_storeu_ps(job.y + r * job.ldy + p * 16, mask, sum);
      });
}

template <class Dot, int R, int P>
void run_chain(const ChainJob& job) {
  Tile<V, R, P> sums;
  start_chain(sums, job);
  const Pointers<P> at = panel_pointers<P>(job.codes, job.panel_stride, job.panels);
  const std::uint32_t* x = job.words;
  std::int64_t offset = 0, i = 0;
  for (; i + 2 <= job.steps; i += 2) {
    mark_inner_loop();
    dot_tile<Dot>(sums, load_words(at, offset), x);
    dot_tile<Dot>(sums, load_words(at, offset + 64), x + R);
    offset += 128;
    x += 2 * R;
  }
  if (i < job.steps) dot_tile<Dot>(sums, load_words(at, offset), x);
  end_chain(sums, job);
}

template <class Dot>
struct Chain {
  static std::int64_t panels(std::int64_t rows) { return rows <= 4 ? kWidePanels : 2; }
  static void run(std::int64_t rows, const ChainJob& job) {
    using Run = void (*)(const ChainJob&);
    static constexpr Run kRun[] = {run_chain<Dot, 1, 4>,  run_chain<Dot, 2, 4>,  run_chain<Dot, 3, 4>,
                                   run_chain<Dot, 4, 4>,  run_chain<Dot, 5, 2>,  run_chain<Dot, 6, 2>,
                                   run_chain<Dot, 7, 2>,  run_chain<Dot, 8, 2>,  run_chain<Dot, 9, 2>,
                                   run_chain<Dot, 10, 2>, run_chain<Dot, 11, 2>, run_chain<Dot, 12, 2>};
    kRun[rows - 1](job);
  }
  static constexpr auto activate = activate_block;
};

}  // namespace avx512
}  // namespace
}  // namespace swiftlet::kernels
