#include "swiftlet/kernels/linear.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "swiftlet/core/error.h"
#include "swiftlet/kernels/carver.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

constexpr std::int64_t kBlockBytes = 512 * 1024;  // of prepared rows that one pass over the panels reuses
constexpr std::int64_t kChunkPanels = 8;          // panels of one unit of work, at most
constexpr std::int64_t kFewRows = 4;              // up to which memory is the limit
constexpr std::int64_t kUnitsPerMember = 4;       // so that a delayed member delays the others little
// Below these sizes waking the pool costs more than it brings.
constexpr std::int64_t kSerialElements = 16 * 1024;
constexpr double kSerialProducts = 256 * 1024;

std::int64_t columns_per_word(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kF32 ? 1 : arithmetic == Arithmetic::kBF16 ? 2 : 4;
}

// Outputs with equal keys read the same prepared rows.
bool same_preparation(const PreparedRows& p, const PanelGeometry& g) {
  return p.group == g.group && p.padded_group == g.padded_group && p.padded_k == g.padded_k;
}

void carve_preparation(PreparedRows& p, Carver& carver) {
  p.words = carver.take<std::uint32_t>(most_words(p));
  if (p.arithmetic != Arithmetic::kInt8) return;
  p.scales = carver.take<float>(p.m);
  p.sums = carver.take<std::int32_t>(p.m * p.groups);
}

PreparedRows describe(Arithmetic arithmetic, const PanelGeometry& g, std::int64_t m) {
  PreparedRows p;
  p.arithmetic = arithmetic;
  p.m = m;
  p.k = g.k;
  p.group = g.group;
  p.padded_group = g.padded_group;
  p.groups = g.groups;
  p.padded_k = g.padded_k;
  p.columns_per_word = columns_per_word(arithmetic);
  return p;
}

const LinearPath* path_of(const KernelTable& table, Arithmetic arithmetic) {
  const LinearKernels& kernels = *table.linear;
  return arithmetic == Arithmetic::kF32    ? kernels.f32
         : arithmetic == Arithmetic::kBF16 ? kernels.bf16
                                           : kernels.int8;
}

PreparedRows* find_preparation(std::span<PreparedRows> preparations, const PanelGeometry& g) {
  for (PreparedRows& p : preparations)
    if (same_preparation(p, g)) return &p;
  return nullptr;
}

// The distinct preparations of the outputs, placed in the workspace.
std::span<PreparedRows> plan_preparations(const LinearPath& path, const LinearGroup& group, Carver& carver) {
  auto* all = carver.take<PreparedRows>(static_cast<std::int64_t>(group.outputs.size()));
  std::size_t count = 0;
  for (const LinearOutput& output : group.outputs) {
    const PanelGeometry& g = output.weight.geometry;
    if (find_preparation({all, count}, g) != nullptr) continue;
    PreparedRows& p = *new (all + count++) PreparedRows(describe(group.arithmetic, g, group.m));
    const int height = path.tile_rows(g.groups > 1, group.m);
    p.tiles = (group.m + height - 1) / height;
    carve_preparation(p, carver);
  }
  return {all, count};
}

std::int64_t blocks_of(std::span<const PreparedRows> preparations) {
  std::int64_t blocks = 1, most_tiles = 1;
  for (const PreparedRows& p : preparations) {
    const std::int64_t bytes = p.m * p.padded_k / p.columns_per_word * 4;
    blocks = std::max(blocks, (bytes + kBlockBytes - 1) / kBlockBytes);
    most_tiles = std::max(most_tiles, p.tiles);
  }
  return std::min(blocks, most_tiles);
}

// The units of work of one group: blocks of rows times chunks of panels, chunks running fastest so that the
// members share a block of prepared rows.
struct Units {
  std::span<const LinearOutput> outputs;
  std::int64_t blocks = 1, chunk = kChunkPanels, chunks = 0;

  std::int64_t chunks_of(const LinearOutput& output) const {
    return (output.weight.geometry.panels + chunk - 1) / chunk;
  }
  void count_chunks() {
    chunks = 0;
    for (const LinearOutput& output : outputs) chunks += chunks_of(output);
  }
  std::int64_t count() const { return blocks * chunks; }
};

// Few rows are bound by memory: long runs of panels let the kernels fetch ahead. They read four at once.
Units plan_few_rows(std::span<const LinearOutput> outputs, std::int64_t wanted) {
  std::int64_t panels = 0;
  for (const LinearOutput& output : outputs) panels += output.weight.geometry.panels;
  Units units{outputs, 1};
  units.chunk = std::max<std::int64_t>(panels / wanted / 4, 1) * 4;
  units.count_chunks();
  return units;
}

// About `wanted` units, or more.
Units plan_units(std::span<const LinearOutput> outputs, std::span<const PreparedRows> preparations,
                 std::int64_t wanted) {
  if (preparations.front().m <= kFewRows) return plan_few_rows(outputs, wanted);
  Units units{outputs, blocks_of(preparations)};
  units.count_chunks();
  while (units.chunk > 2 && units.count() < wanted) {
    units.chunk /= 2;
    units.count_chunks();
  }
  return units;
}

void run_unit(const LinearPath& path, const Units& units, std::span<PreparedRows> preparations,
              std::int64_t unit) {
  const std::int64_t block = unit / units.chunks;
  std::int64_t chunk = unit % units.chunks;
  for (const LinearOutput& output : units.outputs) {
    const std::int64_t own = units.chunks_of(output);
    if (chunk >= own) {
      chunk -= own;
      continue;
    }
    const PreparedRows& x = *find_preparation(preparations, output.weight.geometry);
    const Range tiles{x.tiles * block / units.blocks, x.tiles * (block + 1) / units.blocks};
    const std::int64_t first = chunk * units.chunk;
    path.multiply(x, output, tiles, {first, std::min(first + units.chunk, output.weight.geometry.panels)});
    return;
  }
}

double products(const LinearGroup& group) {
  double total = 0;
  for (const LinearOutput& output : group.outputs)
    total += static_cast<double>(output.weight.geometry.n) * static_cast<double>(output.weight.geometry.k);
  return total * static_cast<double>(group.m);
}

// A group with the rows and the units that it was cut into.
struct GroupPlan {
  const LinearGroup* group;
  const LinearPath* path;
  std::span<PreparedRows> preparations;
  Units units;
  std::int64_t first_tile, first_unit;  // among those of all groups

  std::int64_t tiles() const {
    std::int64_t sum = 0;
    for (const PreparedRows& p : preparations) sum += p.tiles;
    return sum;
  }
  // Prepares the tiles [begin, end) of this group, counted through its preparations.
  void prepare(std::int64_t begin, std::int64_t end) const {
    for (const PreparedRows& p : preparations) {
      const Range own{std::max<std::int64_t>(begin, 0), std::min(end, p.tiles)};
      if (own.begin < own.end) path->prepare(p, group->x, group->ldx, own);
      begin -= p.tiles;
      end -= p.tiles;
    }
  }
};

struct Plan {
  std::span<GroupPlan> groups;
  std::int64_t tiles = 0, units = 0, prepared_elements = 0;
  double products = 0;
};

Plan plan_groups(const KernelTable& table, std::span<const LinearGroup> groups, int members, Carver& carver) {
  Plan plan;
  auto* all = carver.take<GroupPlan>(static_cast<std::int64_t>(groups.size()));
  std::size_t count = 0;
  for (const LinearGroup& group : groups) plan.products += products(group);
  const double wanted = static_cast<double>(plan.products <= kSerialProducts ? 1 : members) * kUnitsPerMember;
  for (const LinearGroup& group : groups) {
    if (group.m <= 0 || group.outputs.empty()) continue;
    const LinearPath* path = path_of(table, group.arithmetic);
    const auto preparations = plan_preparations(*path, group, carver);
    const double share = products(group) / plan.products;
    const Units units =
        plan_units(group.outputs, preparations, std::max<std::int64_t>(std::llround(wanted * share), 1));
    const GroupPlan& made =
        *new (all + count++) GroupPlan{&group, path, preparations, units, plan.tiles, plan.units};
    plan.tiles += made.tiles();
    plan.units += units.count();
    for (const PreparedRows& p : preparations) plan.prepared_elements += p.m * p.k;
  }
  plan.groups = {all, count};
  return plan;
}

void prepare_groups(const Plan& plan, std::int64_t begin, std::int64_t end) {
  for (const GroupPlan& group : plan.groups)
    if (group.first_tile < end) group.prepare(begin - group.first_tile, end - group.first_tile);
}

// The group that a unit of all is of.
const GroupPlan& group_of(const Plan& plan, std::int64_t unit) {
  const auto behind =
      std::upper_bound(plan.groups.begin(), plan.groups.end(), unit,
                       [](std::int64_t at, const GroupPlan& group) { return at < group.first_unit; });
  return *(behind - 1);
}

}  // namespace

PanelView panel_view(const Weight& weight) {
  SWIFTLET_ASSERT(weight.layout == Layout::kPanels);
  check_weight(weight);
  PanelView view;
  view.codes = weight.codes.data();
  view.scales = weight.scales.data();
  view.zero_points =
      weight.encoding.asymmetric ? reinterpret_cast<const std::uint8_t*>(weight.zero_points.data()) : nullptr;
  view.encoding = weight.encoding;
  view.geometry = panel_geometry(weight.encoding, weight.shape[0], weight.shape[1]);
  return view;
}

std::size_t linear_workspace(Arithmetic arithmetic, std::span<const LinearOutput> outputs, std::int64_t m) {
  Carver carver{nullptr};
  carver.take<GroupPlan>(1);
  carver.take<PreparedRows>(static_cast<std::int64_t>(outputs.size()));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    PreparedRows p = describe(arithmetic, outputs[i].weight.geometry, m);
    const bool seen =
        std::any_of(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const LinearOutput& o) { return same_preparation(p, o.weight.geometry); });
    if (!seen) carve_preparation(p, carver);
  }
  return carver.used;
}

std::size_t linear_groups_workspace(std::span<const LinearGroup> kinds, std::int64_t rows,
                                    std::int64_t groups) {
  // The bytes of a group grow evenly with its rows but for what alignment fills up.
  std::size_t most = 0, least = 0, outputs = 0;
  for (const LinearGroup& kind : kinds) {
    most = std::max(most, linear_workspace(kind.arithmetic, kind.outputs, rows));
    least = std::max(least, linear_workspace(kind.arithmetic, kind.outputs, 0));
    outputs = std::max(outputs, kind.outputs.size());
  }
  return most + static_cast<std::size_t>(groups) * (least + (2 + 3 * outputs) * kCarverAlignment);
}

bool linear_supported(const KernelTable& table, Arithmetic arithmetic, const Encoding& encoding) {
  const LinearPath* path = path_of(table, arithmetic);
  return path != nullptr && path->supports(encoding);
}

void linear_groups(const KernelTable& table, ThreadPool& pool, std::span<const LinearGroup> groups,
                   std::byte* workspace) noexcept {
  Carver carver{workspace};
  const Plan plan = plan_groups(table, groups, pool.size(), carver);
  if (plan.units == 0) return;
  const auto prepare = [&](std::int64_t begin, std::int64_t end) { prepare_groups(plan, begin, end); };
  if (plan.prepared_elements <= kSerialElements)
    prepare(0, plan.tiles);
  else
    pool.parallel_for(plan.tiles, 1, prepare);
  std::atomic<std::int64_t> next{0};
  const auto work = [&](int) {
    for (std::int64_t unit; (unit = next.fetch_add(1, std::memory_order_relaxed)) < plan.units;) {
      const GroupPlan& group = group_of(plan, unit);
      run_unit(*group.path, group.units, group.preparations, unit - group.first_unit);
    }
  };
  if (plan.products <= kSerialProducts)
    work(0);
  else
    pool.run(work);
}

void linear(const KernelTable& table, ThreadPool& pool, Arithmetic arithmetic, const float* x,
            std::int64_t ldx, std::int64_t m, std::span<const LinearOutput> outputs,
            std::byte* workspace) noexcept {
  const LinearGroup group{arithmetic, x, ldx, m, outputs};
  linear_groups(table, pool, {&group, 1}, workspace);
}

}  // namespace swiftlet::kernels
