#include "swiftlet/kernels/linear.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>
#include <thread>

#include "swiftlet/core/error.h"
#include "swiftlet/kernels/carver.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

constexpr std::int64_t kChunkPanels = 8;     // panels of one unit of work, at most
constexpr std::int64_t kFewRows = 32;        // up to which memory is the limit
constexpr std::int64_t kStreams = 8;         // panels that kernels of few rows read at once
constexpr std::int64_t kUnitsPerMember = 4;  // so that a delayed member delays the others little
// Below this size waking the pool costs more than it brings.
constexpr double kSerialProducts = 256 * 1024;

// Prepared rows that one pass over the panels reuses: they share the second-level cache with the panels.
std::int64_t block_bytes() {
  static const std::int64_t bytes = [] {
    const std::int64_t cache = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
    return std::clamp<std::int64_t>(cache / 2, 256 * 1024, 4096 * 1024);
  }();
  return bytes;
}

std::int64_t columns_per_word(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kF32 ? 1 : arithmetic == Arithmetic::kBF16 ? 2 : 4;
}

// Outputs with equal keys read the same prepared rows.
bool same_preparation(const PreparedRows& p, const LinearPath* path, const PanelView& w) {
  const PanelGeometry& g = w.geometry;
  return p.path == path && p.group == g.group && p.padded_group == g.padded_group && p.padded_k == g.padded_k;
}

void carve_preparation(PreparedRows& p, Carver& carver) {
  p.words = carver.take<std::uint32_t>(most_words(p));
  if (p.arithmetic != Arithmetic::kInt8) return;
  p.scales = carver.take<float>(p.m);
  p.sums = carver.take<std::int32_t>(p.m * p.groups);
}

const LinearPath* path_of(const KernelTable& table, Arithmetic arithmetic, const Encoding& encoding) {
  const LinearKernels& kernels = *table.linear;
  if (arithmetic == Arithmetic::kInt8 && encoding.format == Format::kQ4R && kernels.row_blocks != nullptr)
    return kernels.row_blocks;
  if (arithmetic == Arithmetic::kInt8 && encoding.has_blocks()) return kernels.blocks;
  return arithmetic == Arithmetic::kF32    ? kernels.f32
         : arithmetic == Arithmetic::kBF16 ? kernels.bf16
                                           : kernels.int8;
}

PreparedRows describe(const KernelTable& table, Arithmetic arithmetic, const PanelView& w, std::int64_t m) {
  const PanelGeometry& g = w.geometry;
  PreparedRows p;
  p.path = path_of(table, arithmetic, w.encoding);
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

const PreparedRows* find_preparation(std::span<const PreparedRows> preparations, const LinearPath* path,
                                     const PanelView& w) {
  for (const PreparedRows& p : preparations)
    if (same_preparation(p, path, w)) return &p;
  return nullptr;
}

// The distinct preparations of the outputs, placed in the workspace.
std::span<PreparedRows> plan_preparations(const KernelTable& table, const LinearGroup& group,
                                          Carver& carver) {
  auto* all = carver.take<PreparedRows>(static_cast<std::int64_t>(group.outputs.size()));
  std::size_t count = 0;
  for (const LinearOutput& output : group.outputs) {
    const PreparedRows wanted = describe(table, group.arithmetic, output.weight, group.m);
    if (find_preparation({all, count}, wanted.path, output.weight) != nullptr) continue;
    PreparedRows& p = *new (all + count++) PreparedRows(wanted);
    const int height = p.path->tile_rows(p.groups > 1, group.m);
    p.tiles = (group.m + height - 1) / height;
    carve_preparation(p, carver);
  }
  return {all, count};
}

std::int64_t row_words(const PreparedRows& p) {
  return p.padded_k / p.columns_per_word;
}
bool is_sliced(const PreparedRows& p) {
  return p.path->slice_words > 0 && row_words(p) > p.path->slice_words;
}

// Into how many blocks the rows are cut. Where there are many rows for the columns that they have, every
// member gets blocks of its own: it reads all of the weights, but what it prepares and writes stays in its
// cache, for this product and for what follows. Else members share the rows and divide the weights.
std::int64_t blocks_of(std::span<const PreparedRows> preparations, int members) {
  std::int64_t bytes = 1, tiles = 1;
  for (const PreparedRows& p : preparations) {
    bytes = std::max(bytes, p.m * (is_sliced(p) ? p.path->slice_words : row_words(p)) * 4);
    tiles = std::max(tiles, p.tiles);
  }
  const PreparedRows& first = preparations.front();
  const std::int64_t shares = 2 * first.m >= first.k && tiles >= 2 * members ? members : 1;
  const std::int64_t blocks = (bytes / shares + block_bytes() - 1) / block_bytes() * shares;
  return std::min(std::max(blocks, shares), tiles);
}

std::int64_t panels_of(std::span<const LinearOutput> outputs) {
  std::int64_t panels = 0;
  for (const LinearOutput& output : outputs) panels += output.weight.geometry.panels;
  return panels;
}

// Some panels of one output.
struct Chunk {
  const LinearOutput* output = nullptr;
  Range panels;
};

// The units of work of one group: blocks of rows times chunks of panels.
struct Units {
  std::span<const LinearOutput> outputs;
  std::int64_t blocks = 1, chunk = kChunkPanels, chunks = 0;
  // Few rows: chunks shrink with what is left of the group (guided self-scheduling, Polychronopoulos and Kuck
  // 1987). They are bound by memory, and kernels read best in long runs of kStreams panels at once.
  bool guided = false;
  int members = 1;

  std::int64_t size(std::int64_t left) const {
    if (!guided) return chunk;
    const std::int64_t runs = left / (2 * members) / kStreams;
    return std::max(runs * kStreams, left >= kStreams * members ? kStreams : kStreams / 2);
  }
  // Calls f(chunk) for one after another until it returns true.
  template <class F>
  void find_chunk(F f) const {
    std::int64_t left = panels_of(outputs);
    for (const LinearOutput& output : outputs) {
      const std::int64_t panels = output.weight.geometry.panels;
      for (std::int64_t begin = 0; begin < panels;) {
        const std::int64_t end = std::min(begin + size(left), panels);
        if (f(Chunk{&output, {begin, end}})) return;
        left -= end - begin;
        begin = end;
      }
    }
  }
  void count_chunks() {
    chunks = 0;
    find_chunk([this](const Chunk&) {
      ++chunks;
      return false;
    });
  }
  Chunk at(std::int64_t number) const {
    Chunk found;
    find_chunk([&](const Chunk& one) {
      found = one;
      return number-- == 0;
    });
    return found;
  }
  std::int64_t count() const { return blocks * chunks; }
};

bool has_factor(const LinearOutput& output) {
  return output.factor != nullptr;
}

// About `wanted` units, or more.
Units plan_units(std::span<const LinearOutput> outputs, std::span<const PreparedRows> preparations,
                 std::int64_t wanted, int members) {
  Units units{.outputs = outputs, .members = members};
  units.guided = preparations.front().m <= kFewRows;
  if (!units.guided) {
    units.blocks = blocks_of(preparations, members);
    // All of x passes by the cache for every chunk of such rows.
    const bool sliced = std::any_of(preparations.begin(), preparations.end(), is_sliced);
    if (sliced && std::none_of(outputs.begin(), outputs.end(), has_factor)) units.chunk *= 2;
  }
  units.count_chunks();
  while (!units.guided && units.chunk > 2 && units.count() < wanted) {
    units.chunk /= 2;
    units.count_chunks();
  }
  return units;
}

double products(const LinearGroup& group) {
  double total = 0;
  for (const LinearOutput& output : group.outputs) {
    const PanelGeometry& g = output.weight.geometry;
    total += static_cast<double>(g.n) * static_cast<double>(g.k) * (output.factor == nullptr ? 1 : 2);
  }
  return total * static_cast<double>(group.m);
}

// What the paths need for the largest of the weights, on whole cache lines. (A factor is as its output.)
std::int64_t scratch_bytes(const KernelTable& table, Arithmetic arithmetic,
                           std::span<const LinearOutput> outputs) {
  std::int64_t most = 0;
  for (const LinearOutput& output : outputs) {
    const LinearPath& path = *path_of(table, arithmetic, output.weight.encoding);
    if (path.scratch != nullptr) most = std::max(most, path.scratch(output.weight));
  }
  return round_up_to_line(most);
}

// Room for the two products of one unit that are multiplied.
std::int64_t factor_bytes(std::span<const LinearOutput> outputs, std::int64_t m) {
  std::int64_t panels = 0;
  for (const LinearOutput& output : outputs)
    if (output.factor != nullptr) panels = std::max(panels, output.weight.geometry.panels);
  if (m > kFewRows) panels = std::min(panels, kChunkPanels);
  return 2 * m * panels * kPanelRows * static_cast<std::int64_t>(sizeof(float));
}

// A group with the rows and the units that it was cut into.
struct GroupPlan {
  const LinearGroup* group;
  std::span<PreparedRows> preparations;
  Units units;
};

// A block of rows of one group: whoever comes prepares tiles of it until there are none, then multiplies
// chunks of panels by it.
struct alignas(kCarverAlignment) Block {
  const GroupPlan* plan;
  std::int64_t index, tiles;
  std::atomic<std::int64_t> next_tile{0}, prepared{0}, next_chunk{0};

  Range tiles_of(const PreparedRows& p) const { return {first_tile(p, index), first_tile(p, index + 1)}; }
  // Large blocks are even: kernels of many rows multiply two tiles at once.
  std::int64_t first_tile(const PreparedRows& p, std::int64_t block) const {
    const std::int64_t blocks = plan->units.blocks, first = p.tiles * block / blocks;
    return block == blocks || p.tiles < 4 * blocks ? first : first - first % 2;
  }
  // The tile of that number, counted through the preparations.
  void prepare_tile(std::int64_t number) const {
    for (const PreparedRows& p : plan->preparations) {
      const Range own = tiles_of(p);
      const std::int64_t count = own.end - own.begin;
      if (number < count)
        return p.path->prepare(p, plan->group->x, plan->group->ldx,
                               {own.begin + number, own.begin + number + 1});
      number -= count;
    }
  }
  // Returns when all tiles are there. The only ones it may wait for are in the hands of members that run.
  void prepare() {
    for (std::int64_t tile; (tile = next_tile.fetch_add(1, std::memory_order_relaxed)) < tiles;) {
      prepare_tile(tile);
      prepared.fetch_add(1, std::memory_order_release);
    }
    for (int spin = 0; prepared.load(std::memory_order_acquire) < tiles; ++spin)
      if (spin > 1000) std::this_thread::yield();
  }
};

// What a member brings along.
struct Member {
  const KernelTable& table;
  std::byte* scratch;
  float* factors;
};

// y = activation(output) * factor for the rows of the tiles and the channels of the panels. Both products
// stay in the cache; y is written once, in longer pieces than those of a product.
void multiply_by_factor(const Member& member, const PreparedRows& x, const LinearOutput& output, Range tiles,
                        Range panels) {
  const std::int64_t row = tile_row(x, tiles.begin), rows = tile_row(x, tiles.end) - row;
  const std::int64_t channel = panels.begin * kPanelRows, width = (panels.end - panels.begin) * kPanelRows;
  const std::int64_t columns = std::min(output.weight.geometry.n - channel, width);
  float *gate = member.factors, *up = gate + rows * width;
  const auto multiply_into = [&](LinearOutput product, float* to) {
    product.activation = Activation::kNone;
    product.y = to - (row * width + channel);  // the unit's first element is at `to`
    product.ldy = width;
    x.path->multiply(x, product, tiles, panels);
  };
  multiply_into(output, gate);
  multiply_into(*output.factor, up);
  member.table.rows.gate(output.activation, gate, width, up, width, output.y + row * output.ldy + channel,
                         output.ldy, rows, columns);
}

void run_chunk(const Block& block, const Member& member, std::int64_t chunk) {
  const auto [output, panels] = block.plan->units.at(chunk);
  const LinearGroup& group = *block.plan->group;
  const LinearPath* path = path_of(member.table, group.arithmetic, output->weight.encoding);
  PreparedRows x = *find_preparation(block.plan->preparations, path, output->weight);
  x.scratch = member.scratch;
  const Range tiles = block.tiles_of(x);
  if (output->factor == nullptr) return x.path->multiply(x, *output, tiles, panels);
  multiply_by_factor(member, x, *output, tiles, panels);
}

struct Plan {
  std::span<GroupPlan> groups;
  std::span<Block> blocks;
  std::int64_t scratch_bytes = 0, factor_bytes = 0;  // of a member
  std::byte *scratch = nullptr, *factors = nullptr;
  double products = 0;
};

std::span<Block> plan_blocks(std::span<GroupPlan> groups, Carver& carver) {
  std::int64_t count = 0, next = 0;
  for (const GroupPlan& group : groups) count += group.units.blocks;
  auto* blocks = carver.take<Block>(count);
  for (const GroupPlan& group : groups)
    for (std::int64_t i = 0; i < group.units.blocks; ++i) {
      Block& block = *new (blocks + next++) Block{.plan = &group, .index = i, .tiles = 0};
      for (const PreparedRows& p : group.preparations) {
        const Range own = block.tiles_of(p);
        block.tiles += own.end - own.begin;
      }
    }
  return {blocks, static_cast<std::size_t>(count)};
}

Plan plan_groups(const KernelTable& table, std::span<const LinearGroup> groups, int members, Carver& carver) {
  Plan plan;
  auto* all = carver.take<GroupPlan>(static_cast<std::int64_t>(groups.size()));
  std::size_t count = 0;
  for (const LinearGroup& group : groups) plan.products += products(group);
  if (plan.products <= kSerialProducts) members = 1;
  const double wanted = static_cast<double>(members) * kUnitsPerMember;
  for (const LinearGroup& group : groups) {
    if (group.m <= 0 || group.outputs.empty()) continue;
    const auto preparations = plan_preparations(table, group, carver);
    const auto share = std::llround(wanted * products(group) / plan.products);
    const Units units = plan_units(group.outputs, preparations, std::max<std::int64_t>(share, 1), members);
    new (all + count++) GroupPlan{&group, preparations, units};
    plan.scratch_bytes = std::max(plan.scratch_bytes, scratch_bytes(table, group.arithmetic, group.outputs));
    plan.factor_bytes = std::max(plan.factor_bytes, factor_bytes(group.outputs, group.m));
  }
  plan.groups = {all, count};
  plan.blocks = plan_blocks(plan.groups, carver);
  plan.scratch = carver.take<std::byte>(members * plan.scratch_bytes);
  plan.factors = carver.take<std::byte>(members * plan.factor_bytes);
  return plan;
}

// Every member begins at a block of its own, as far as there are enough, and then helps the others.
void run_member(const KernelTable& table, const Plan& plan, int number, int members) {
  const Member member{table, plan.scratch + number * plan.scratch_bytes,
                      reinterpret_cast<float*>(plan.factors + number * plan.factor_bytes)};
  const std::size_t count = plan.blocks.size();
  const std::size_t first = count * static_cast<std::size_t>(number) / static_cast<std::size_t>(members);
  for (std::size_t i = 0; i < count; ++i) {
    Block& block = plan.blocks[(first + i) % count];
    if (block.next_chunk.load(std::memory_order_relaxed) >= block.plan->units.chunks) continue;
    block.prepare();
    for (std::int64_t chunk;
         (chunk = block.next_chunk.fetch_add(1, std::memory_order_relaxed)) < block.plan->units.chunks;)
      run_chunk(block, member, chunk);
  }
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

std::size_t linear_workspace(const KernelTable& table, int threads, Arithmetic arithmetic,
                             std::span<const LinearOutput> outputs, std::int64_t m) {
  Carver carver{nullptr};
  carver.take<GroupPlan>(1);
  carver.take<PreparedRows>(static_cast<std::int64_t>(outputs.size()));
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    PreparedRows p = describe(table, arithmetic, outputs[i].weight, m);
    const bool seen = std::any_of(
        outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(i), [&](const LinearOutput& o) {
          return same_preparation(p, path_of(table, arithmetic, o.weight.encoding), o.weight);
        });
    if (!seen) carve_preparation(p, carver);
    bytes = std::max(bytes, m * p.padded_k / p.columns_per_word * 4);
  }
  carver.take<Block>(threads + bytes / block_bytes() + 1);
  carver.take<std::byte>(threads * scratch_bytes(table, arithmetic, outputs));
  carver.take<std::byte>(threads * factor_bytes(outputs, std::min(m, kFewRows)));
  carver.take<std::byte>(threads * factor_bytes(outputs, m));
  return carver.used;
}

std::size_t linear_groups_workspace(const KernelTable& table, int threads, std::span<const LinearGroup> kinds,
                                    std::int64_t rows, std::int64_t groups) {
  // The bytes of a group grow evenly with its rows but for what alignment fills up.
  std::size_t most = 0, least = 0, outputs = 0;
  for (const LinearGroup& kind : kinds) {
    most = std::max(most, linear_workspace(table, threads, kind.arithmetic, kind.outputs, rows));
    least = std::max(least, linear_workspace(table, threads, kind.arithmetic, kind.outputs, 0));
    outputs = std::max(outputs, kind.outputs.size());
  }
  return most + static_cast<std::size_t>(groups) * (least + (2 + 3 * outputs) * kCarverAlignment);
}

bool linear_supported(const KernelTable& table, Arithmetic arithmetic, const Encoding& encoding) {
  const LinearPath* path = path_of(table, arithmetic, encoding);
  return path != nullptr && path->supports(encoding);
}

void linear_groups(const KernelTable& table, ThreadPool& pool, std::span<const LinearGroup> groups,
                   std::byte* workspace) noexcept {
  Carver carver{workspace};
  const Plan plan = plan_groups(table, groups, pool.size(), carver);
  if (plan.blocks.empty()) return;
  if (plan.products <= kSerialProducts)
    run_member(table, plan, 0, 1);
  else
    pool.run([&](int member) { run_member(table, plan, member, pool.size()); });
}

void linear(const KernelTable& table, ThreadPool& pool, Arithmetic arithmetic, const float* x,
            std::int64_t ldx, std::int64_t m, std::span<const LinearOutput> outputs,
            std::byte* workspace) noexcept {
  const LinearGroup group{arithmetic, x, ldx, m, outputs};
  linear_groups(table, pool, {&group, 1}, workspace);
}

}  // namespace swiftlet::kernels
