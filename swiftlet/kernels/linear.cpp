#include "swiftlet/kernels/linear.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "swiftlet/core/error.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kBlockBytes = 512 * 1024;  // of prepared rows that one pass over the panels reuses
constexpr std::int64_t kChunkPanels = 8;          // panels of one unit of work, at most
constexpr std::int64_t kFewRows = 4;              // up to which memory is the limit
constexpr std::int64_t kUnitsPerMember = 4;       // so that a delayed member delays the others little
// Below these sizes waking the pool costs more than it brings.
constexpr std::int64_t kSerialElements = 16 * 1024;
constexpr std::int64_t kSerialProducts = 256 * 1024;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::int64_t columns_per_word(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kF32 ? 1 : arithmetic == Arithmetic::kBF16 ? 2 : 4;
}

// Outputs with equal keys read the same prepared rows.
bool same_preparation(const PreparedRows& p, const PanelGeometry& g) {
  return p.group == g.group && p.padded_group == g.padded_group && p.padded_k == g.padded_k;
}

// Hands out the parts of the workspace one after the other; with a null base it only counts.
struct Carver {
  std::byte* base;
  std::size_t used = 0;

  template <class T>
  T* take(std::int64_t count) {
    std::byte* at = base == nullptr ? nullptr : base + used;
    used += aligned(static_cast<std::size_t>(count) * sizeof(T));
    return reinterpret_cast<T*>(at);
  }
};

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
std::span<PreparedRows> plan_preparations(const LinearPath& path, Arithmetic arithmetic, std::int64_t m,
                                          std::span<const LinearOutput> outputs, std::byte* workspace) {
  Carver carver{workspace};
  auto* all = carver.take<PreparedRows>(static_cast<std::int64_t>(outputs.size()));
  std::size_t count = 0;
  for (const LinearOutput& output : outputs) {
    const PanelGeometry& g = output.weight.geometry;
    if (find_preparation({all, count}, g) != nullptr) continue;
    PreparedRows& p = *new (all + count++) PreparedRows(describe(arithmetic, g, m));
    const int height = path.tile_rows(g.groups > 1, m);
    p.tiles = (m + height - 1) / height;
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

// The units of work of one call: blocks of rows times chunks of panels, chunks running fastest so that the
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
Units plan_few_rows(std::span<const LinearOutput> outputs, int members) {
  std::int64_t panels = 0;
  for (const LinearOutput& output : outputs) panels += output.weight.geometry.panels;
  Units units{outputs, 1};
  units.chunk = std::max<std::int64_t>(panels / (members * kUnitsPerMember) / 4, 1) * 4;
  units.count_chunks();
  return units;
}

Units plan_units(std::span<const LinearOutput> outputs, std::span<const PreparedRows> preparations,
                 int members) {
  if (preparations.front().m <= kFewRows) return plan_few_rows(outputs, members);
  Units units{outputs, blocks_of(preparations)};
  units.count_chunks();
  while (units.chunk > 2 && units.count() < members * kUnitsPerMember) {
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

std::int64_t products(std::span<const LinearOutput> outputs, std::int64_t m) {
  std::int64_t total = 0;
  for (const LinearOutput& output : outputs) total += output.weight.geometry.n * output.weight.geometry.k;
  return total * m;
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

bool linear_supported(const KernelTable& table, Arithmetic arithmetic, const Encoding& encoding) {
  const LinearPath* path = path_of(table, arithmetic);
  return path != nullptr && path->supports(encoding);
}

void linear(const KernelTable& table, ThreadPool& pool, Arithmetic arithmetic, const float* x,
            std::int64_t ldx, std::int64_t m, std::span<const LinearOutput> outputs,
            std::byte* workspace) noexcept {
  if (m <= 0 || outputs.empty()) return;
  const LinearPath& path = *path_of(table, arithmetic);
  const std::span<PreparedRows> preparations = plan_preparations(path, arithmetic, m, outputs, workspace);
  for (const PreparedRows& p : preparations) {
    const auto prepare = [&](std::int64_t begin, std::int64_t end) { path.prepare(p, x, ldx, {begin, end}); };
    if (m * p.k <= kSerialElements)
      prepare(0, p.tiles);
    else
      pool.parallel_for(p.tiles, 1, prepare);
  }
  const bool serial = products(outputs, m) <= kSerialProducts;
  const Units units = plan_units(outputs, preparations, serial ? 1 : pool.size());
  std::atomic<std::int64_t> next{0};
  const auto work = [&](int) {
    for (std::int64_t unit; (unit = next.fetch_add(1, std::memory_order_relaxed)) < units.count();)
      run_unit(path, units, preparations, unit);
  };
  if (serial)
    work(0);
  else
    pool.run(work);
}

}  // namespace swiftlet::kernels
