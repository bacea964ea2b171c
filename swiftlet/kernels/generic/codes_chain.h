// Few rows in f32 meeting integer codes: each column is decoded in a register right before the products that
// need it, since decoding a block aside would keep the memory waiting. The values and the chains are those of
// the decoded panels, so are the bits. Included by one file per instruction set.
//
// A unit is what one register holds: a panel or half of one. The accumulators are a Tile<V, P, R>: unit after
// unit, so that only one unit's codes and column occupy registers. Lanes brings
//
//   V, W                        registers of floats and of codes
//   kPerPanel                   units of a panel
//   Scaling scaling(weight, panel, part of the panel, group)
//   W load(codes)  W low(w)  W high(w)             low and high nibbles as bytes
//   V column<j>(w, scaling)     bytes j of the lanes, decoded
//   dot(V& sum, V column, x)    sum += column * *x
//   V zero()   end(job, row, unit, V)
//
//   R rows of a tile   P units
#pragma once

#include "swiftlet/kernels/generic/chain.h"
#include "swiftlet/kernels/generic/inner_loop.h"
#include "swiftlet/kernels/generic/tile.h"

namespace swiftlet::kernels {
namespace {

template <class Lanes, int R>
[[gnu::always_inline]] inline void dot_rows(PerPanel<typename Lanes::V, R>& sums, typename Lanes::V column,
                                            const std::uint32_t* x) {
  if constexpr (R > 0) {
    dot_rows<Lanes>(sums.before, column, x);
    Lanes::dot(sums.last, column, x + R - 1);
  }
}

// Four columns: the bytes of each lane.
template <class Lanes, int R>
[[gnu::always_inline]] inline void dot_four(PerPanel<typename Lanes::V, R>& sums, typename Lanes::W codes,
                                            const typename Lanes::Scaling& scaling, const std::uint32_t* x) {
  dot_rows<Lanes>(sums, Lanes::template column<0>(codes, scaling), x);
  dot_rows<Lanes>(sums, Lanes::template column<1>(codes, scaling), x + R);
  dot_rows<Lanes>(sums, Lanes::template column<2>(codes, scaling), x + 2 * R);
  dot_rows<Lanes>(sums, Lanes::template column<3>(codes, scaling), x + 3 * R);
}

struct ByteCodes {
  static constexpr std::int64_t kColumns = 4;  // of a step
  template <class Lanes, int R>
  [[gnu::always_inline]] static inline void dot(PerPanel<typename Lanes::V, R>& sums, typename Lanes::W codes,
                                                const typename Lanes::Scaling& scaling,
                                                const std::uint32_t* x) {
    dot_four<Lanes>(sums, codes, scaling, x);
  }
};
struct NibbleCodes {
  static constexpr std::int64_t kColumns = 8;
  template <class Lanes, int R>
  [[gnu::always_inline]] static inline void dot(PerPanel<typename Lanes::V, R>& sums, typename Lanes::W codes,
                                                const typename Lanes::Scaling& scaling,
                                                const std::uint32_t* x) {
    dot_four<Lanes>(sums, Lanes::low(codes), scaling, x);
    dot_four<Lanes>(sums, Lanes::high(codes), scaling, x + 4 * R);
  }
};

// One step of all units. Fetches the same place of the panels that the next tile will read: what one panel
// holds ends before the hardware has learnt its stream. Addresses beyond the weight do no harm.
template <class Lanes, class Codes, int R, int P>
[[gnu::always_inline]] inline void dot_units(Tile<typename Lanes::V, P, R>& sums,
                                             const PerPanel<typename Lanes::Scaling, P>& scaling,
                                             const Pointers<P>& at, std::int64_t offset, std::int64_t ahead,
                                             const std::uint32_t* x) {
  if constexpr (P > 0) {
    dot_units<Lanes, Codes, R>(sums.before, scaling.before, at.before, offset, ahead, x);
    if constexpr (P % Lanes::kPerPanel == 0) __builtin_prefetch(at.last + offset + ahead, 0, 2);
    Codes::template dot<Lanes>(sums.row, Lanes::load(at.last + offset), scaling.last, x);
  }
}

template <class Lanes, class Codes, int R, int P>
void run_codes(const ChainJob& job) {
  constexpr int kPerPanel = Lanes::kPerPanel;
  const PanelGeometry& g = job.weight->geometry;
  const auto panel_of = [&](int unit) {
    const std::int64_t panel = unit / kPerPanel;
    return panel < job.panels ? panel : job.panels - 1;
  };
  Pointers<P> at;
  for_panels(at, [&](const std::byte*& pointer, int p) {
    pointer = job.codes + panel_of(p) * job.panel_stride + p % kPerPanel * (64 / kPerPanel);
  });
  Tile<typename Lanes::V, P, R> sums;
  for_tile(
      sums, [](typename Lanes::V & sum, int, int) __attribute__((always_inline)) { sum = Lanes::zero(); });
  const std::uint32_t* x = job.words;
  const std::int64_t ahead = P / kPerPanel * job.panel_stride;
  for (std::int64_t group = 0, offset = 0; group < g.groups; ++group) {
    PerPanel<typename Lanes::Scaling, P> scaling;
    for_panels(
        scaling, [&](typename Lanes::Scaling & s, int p) __attribute__((always_inline)) {
          s = Lanes::scaling(*job.weight, job.panel + panel_of(p), p % kPerPanel, group);
        });
    const std::int64_t columns = group + 1 < g.groups ? g.padded_group : g.padded_k - group * g.padded_group;
    for (std::int64_t c = 0; c < columns; c += Codes::kColumns, offset += 64, x += Codes::kColumns * R) {
      mark_inner_loop();
      dot_units<Lanes, Codes, R>(sums, scaling, at, offset, ahead, x);
    }
  }
  for_tile(
      sums, [&](typename Lanes::V & sum, int p, int r)
                __attribute__((always_inline)) { Lanes::end(job, r, p, sum); });
}

}  // namespace
}  // namespace swiftlet::kernels
