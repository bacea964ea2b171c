// Products in int8 where a row has several groups: the sums of every group leave the tile registers for its
// scale. One tile of x meets one panel, so that the f32 totals of its rows stay in registers over all groups.
//
// The products of a group take a tile register some 100 cycles from its loads to its store, and little work:
// so four groups are under way at once, and what is added to the totals are the sums of four groups before.
// The first tile of a panel spreads its codes while they come from memory, four groups ahead.
#pragma once

#include "swiftlet/kernels/amx/linear_tiles.h"
#include "swiftlet/kernels/amx/spread_panel.h"
#include "swiftlet/kernels/generic/tile.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

constexpr int kGroupsAtOnce = 4;  // tile registers 0..3

// The sums of the groups under way and of those before them.
struct GroupSums {
  Sums<std::int32_t> at[2][kGroupsAtOnce];
};

// One tile of x meeting one spread panel.
struct GroupJob {
  const std::uint8_t* x;            // [groups][blocks of a group][rows][words]
  const std::uint8_t* w;            // [groups][blocks of a group][words][16][4]
  const float* scales;              // [groups][16]
  const std::int32_t* zero_points;  // [groups][16] or null
  const std::int32_t* x_sums;       // [groups][rows]
  std::int64_t rows, groups, per_group;
  std::int64_t x_block, w_block, x_stride;  // bytes
};

// The products of one group, into sums.
template <int kTile, class Tiles>
[[gnu::always_inline]] inline void dot_group(Tiles& tiles, const GroupJob& job, std::int64_t group,
                                             Sums<std::int32_t>& sums) {
  const std::uint8_t* x = job.x + group * job.per_group * job.x_block;
  const std::uint8_t* w = job.w + group * job.per_group * job.w_block;
  constexpr int kX = 4 + kTile % 2, kW = 6 + kTile % 2;
  tiles.template zero<kTile>();
  for (std::int64_t b = 0; b < job.per_group; ++b, x += job.x_block, w += job.w_block) {
    tiles.template load<kX>(x, job.x_stride);
    tiles.template load<kW>(w, kRowBytes);
    tiles.template dot_signed<kTile, kX, kW>();
  }
  tiles.template store<kTile>(sums.at, kRowBytes);
}

// One for each row: registers (generic/tile.h).
using Totals = PerPanel<Floats, kTileRows>;

// total += scale * (sum - zero point * sum of the codes of x), of all rows of a tile.
template <class Body, bool kAsymmetric>
[[gnu::always_inline]] inline void add_group(Totals& totals, const Sums<std::int32_t>& sums,
                                             const GroupJob& job, std::int64_t group) {
  Floats scale;
  load_lanes(scale, job.scales + group * kPanelRows);
  Ints zero_points;
  if constexpr (kAsymmetric) load_lanes(zero_points, job.zero_points + group * kPanelRows);
  for_panels(
      totals, [&](Floats & total, int r) __attribute__((always_inline)) {
        Ints sum;
        load_lanes(sum, sums.at[r]);
        // Rows that the tile does not have get the last one's: their totals are not looked at.
        if constexpr (kAsymmetric)
          sum -= zero_points * job.x_sums[group * job.rows + (r < job.rows ? r : job.rows - 1)];
        Floats value;
        convert_lanes(value, sum);
        Body::fma(total, value, scale);
      });
}

// kSpread: the panel is spread on the way.
template <class Body, bool kAsymmetric, bool kSpread>
[[gnu::noinline]] void add_up_groups(typename Body::Tiles& tiles, const GroupJob& job,
                                     const PanelSpreader& panel, GroupSums& sums, Sums<float>& result) {
  Totals total;
  for_panels(
      total, [](Floats & sum, int) __attribute__((always_inline)) { sum = Floats{}; });
  const std::int64_t groups = job.groups, rounds = groups / kGroupsAtOnce;
  const auto spread = [&](std::int64_t group) __attribute__((always_inline)) {
    if constexpr (kSpread)
      if (group < groups) panel.spread(group);
  };
  for (std::int64_t g = 0; g < kGroupsAtOnce; ++g) spread(g);
  for (std::int64_t i = 0; i < rounds; ++i) {
    const std::int64_t g = i * kGroupsAtOnce;
    Sums<std::int32_t>* now = sums.at[i % 2];
    const Sums<std::int32_t>* before = sums.at[(i + 1) % 2];
    const auto step = [&]<int kTile>() __attribute__((always_inline)) {
      dot_group<kTile>(tiles, job, g + kTile, now[kTile]);
      spread(g + kTile + kGroupsAtOnce);
      if (i > 0) add_group<Body, kAsymmetric>(total, before[kTile], job, g + kTile - kGroupsAtOnce);
    };
    step.template operator()<0>();
    step.template operator()<1>();
    step.template operator()<2>();
    step.template operator()<3>();
  }
  if (rounds > 0)
    for (int j = 0; j < kGroupsAtOnce; ++j)
      add_group<Body, kAsymmetric>(total, sums.at[(rounds + 1) % 2][j], job,
                                   (rounds - 1) * kGroupsAtOnce + j);
  for (std::int64_t g = rounds * kGroupsAtOnce; g < groups; ++g) {
    dot_group<0>(tiles, job, g, sums.at[0][0]);
    add_group<Body, kAsymmetric>(total, sums.at[0][0], job, g);
  }
  for_panels(
      total, [&](const Floats& sum, int r)
                 __attribute__((always_inline)) { store_lanes(result.at[r], sum); });
}

template <class Body>
void finish_groups(const Rows& rows, const Channels& channels, const Sums<float>& totals) {
  Floats bias;
  channels.load_bias(bias);
  const std::int64_t first = rows.first, count = rows.count, wide = channels.count();
  for (std::int64_t r = 0; r < count; ++r) {
    Floats total, x_scale, y = bias;
    load_lanes(total, totals.at[r]);
    splat_lanes(x_scale, rows.x.scales[first + r]);
    Body::fma(y, total, x_scale);
    store_channels(channels.y(first + r), wide, y);
  }
  Body::activate(channels.output.activation, channels.y(first), channels.output.ldy, static_cast<int>(count),
                 wide);
}

// All tiles meeting one panel.
template <class Body, bool kAsymmetric>
void run_groups_of(typename Body::Tiles& registers, const PreparedRows& x, const Blocks& blocks, Range tiles,
                   const Channels& channels, std::byte* scratch) {
  auto& sums = *reinterpret_cast<GroupSums*>(scratch);
  const PanelSpreader panel =
      spreader(channels.output.weight, channels.panel, blocks, scratch + sizeof(GroupSums));
  for (std::int64_t t = tiles.begin; t < tiles.end; ++t) {
    const Rows rows(x, blocks, t);
    const GroupJob job{.x = rows.words(),
                       .w = panel.to.codes,
                       .scales = panel.to.scales,
                       .zero_points = panel.to.zero_points,
                       .x_sums = x.sums + rows.first * blocks.groups,
                       .rows = rows.count,
                       .groups = blocks.groups,
                       .per_group = blocks.per_group,
                       .x_block = rows.count * blocks.words * 4,
                       .w_block = blocks.words * kRowBytes,
                       .x_stride = blocks.words * 4};
    Sums<float> totals;
    fetch_outputs(rows, channels);
    if (t == tiles.begin)
      add_up_groups<Body, kAsymmetric, true>(registers, job, panel, sums, totals);
    else
      add_up_groups<Body, kAsymmetric, false>(registers, job, panel, sums, totals);
    finish_groups<Body>(rows, channels, totals);
  }
}

template <class Body>
void run_groups(typename Body::Tiles& registers, const PreparedRows& x, const Blocks& blocks, Range tiles,
                const Channels& channels, std::byte* scratch) {
  (channels.output.weight.zero_points == nullptr
       ? run_groups_of<Body, false>
       : run_groups_of<Body, true>)(registers, x, blocks, tiles, channels, scratch);
}

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
