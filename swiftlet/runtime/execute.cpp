#include "swiftlet/runtime/execute.h"

#include <algorithm>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/core/memory.h"

namespace swiftlet {
namespace {

constexpr int kPoison = 0xff;  // a NaN in every float format, -1 as an integer

// The heap itself may promise more memory than there is.
Buffer heap_that_fits(const char* what, std::size_t bytes) {
  check_fits(what, bytes);
  return Buffer::heap(bytes);
}

}  // namespace

Bindings::Bindings(std::shared_ptr<const Program> program, std::shared_ptr<WeightStore> weights)
    : program_(std::move(program)),
      store_(std::move(weights)),
      versions_(program_->slots.size(), 0),
      owned_(program_->slots.size()),
      bound_(program_->slots.size()) {
  refresh();
}

void Bindings::refresh() {
  const std::uint64_t generation = store_->generation();
  if (generation == generation_) return;
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    const Program::Slot& slot = program_->slots[i];
    const std::uint64_t version = store_->version(slot.name);
    if (version == versions_[i]) continue;
    owned_[i] = store_->in_form(slot.name, slot.form);
    bound_[i] = {owned_[i].get(), {}};
    if (slot.form.layout == Layout::kPanels) bound_[i].panels = kernels::panel_view(*owned_[i]);
    versions_[i] = version;
  }
  generation_ = generation;  // last: what threw is tried again
}

void Bindings::check_files() const {
  for (const auto& weight : owned_) check_mapped(*weight);
}

Executor::Executor(std::shared_ptr<const Program> program, std::shared_ptr<WeightStore> weights,
                   std::shared_ptr<ThreadPool> pool)
    : program_(program),
      bindings_(program, std::move(weights)),
      pool_(std::move(pool)),
      arena_(heap_that_fits("arena", program_->arena_bytes)),
      workspace_(heap_that_fits("workspace", program_->workspace_bytes)),
      symbols_(program_->symbols.size(), 0),
      inputs_(program_->inputs.size(), nullptr) {
  require(pool_->size() <= program_->threads, "execute",
          "the pool has {} threads, the program was compiled for at most {}", pool_->size(),
          program_->threads);
  const auto index_of = [&](std::string_view name) {
    const auto& names = program_->symbols;
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<std::int32_t>(found - names.begin());
  };
  for (const std::string& axis : program_->ragged_axes) axis_symbols_.push_back(index_of(axis));
  if (!axis_symbols_.empty() && program_->ragged_axes[0] == "tokens") sequences_ = index_of("sequences");
  context_.arena = arena_.mutable_data();
  context_.workspace = workspace_.mutable_data();
  context_.pool = pool_.get();
  context_.table = program_->table;
  context_.symbols = symbols_;
  context_.inputs = inputs_;
}

void Executor::check_symbols(const StepInputs& step) const {
  require(step.inputs.size() == inputs_.size() && step.symbols.size() == symbols_.size(), "execute",
          "the step binds {} inputs and {} symbols, the program has {} and {}", step.inputs.size(),
          step.symbols.size(), inputs_.size(), symbols_.size());
  for (std::size_t i = 0; i < symbols_.size(); ++i)
    require(step.symbols[i] >= 0 && step.symbols[i] <= program_->maxima[i], "execute",
            "'{}' is {}, the program was planned for at most {}", program_->symbols[i], step.symbols[i],
            program_->maxima[i]);
}

// Kernels trust the tables, so a row outside of the step would be a write outside of the arena.
void Executor::check_batch(const StepInputs& step) const {
  const Batch& batch = step.batch;
  require(batch.axes.size() >= axis_symbols_.size(), "execute",
          "the batch has {} ragged axes, the program reads {}", batch.axes.size(), axis_symbols_.size());
  for (std::size_t axis = 0; axis < axis_symbols_.size(); ++axis) {
    if (axis_symbols_[axis] < 0) continue;
    const std::int64_t rows = step.symbols[static_cast<std::size_t>(axis_symbols_[axis])];
    const auto segments = batch.axes[axis].segments;
    for (const kernels::Segment& segment : segments)
      require(
          segment.query_begin >= 0 && segment.query_begin <= segment.query_end && segment.query_end <= rows,
          "execute", "a sequence has rows {} to {} of the {} '{}'", segment.query_begin, segment.query_end,
          rows, program_->ragged_axes[axis]);
    if (sequences_ >= 0 && axis == 0)
      require(
          static_cast<std::int64_t>(segments.size()) == step.symbols[static_cast<std::size_t>(sequences_)],
          "execute", "the batch has {} sequences, the symbol 'sequences' is {}", segments.size(),
          step.symbols[static_cast<std::size_t>(sequences_)]);
  }
  if (program_->states.empty()) return;
  require(batch.cache.size() == program_->states.size(), "execute",
          "the batch has {} cache layers, the program {}", batch.cache.size(), program_->states.size());
  const std::int32_t tokens = axis_symbols_.empty() ? -1 : axis_symbols_[0];
  require(tokens < 0 || static_cast<std::int64_t>(batch.cache_slots.size()) >=
                            step.symbols[static_cast<std::size_t>(tokens)],
          "execute", "the batch has {} cache slots for {} tokens", batch.cache_slots.size(),
          tokens < 0 ? 0 : step.symbols[static_cast<std::size_t>(tokens)]);
}

void Executor::run(const StepInputs& step) {
  check_symbols(step);
  check_batch(step);
  std::copy(step.symbols.begin(), step.symbols.end(), symbols_.begin());
  std::copy(step.inputs.begin(), step.inputs.end(), inputs_.begin());
  bindings_.refresh();
  context_.weights = bindings_.weights();
  context_.batch = &step.batch;
  if (poison_)
    run_poisoned();
  else if (profile_ != nullptr)
    run_profiled();
  else
    for (const Program::Step& kernel : program_->steps)
      kernel.kernel.run(kernel.kernel.parameters.get(), context_);
  if (any_mapping_marked()) bindings_.check_files();
}

void Executor::set_profile(Profile* profile) {
  profile_ = profile;
  if (profile == nullptr) return;
  if (profile->rows().empty())
    for (const Program::Step& step : program_->steps) profile->add_row(step.name, std::string(step.op));
  require(profile->rows().size() == program_->steps.size(), "profile",
          "has {} rows, the program {} kernels: it was made for another one", profile->rows().size(),
          program_->steps.size());
}

void Executor::run_profiled() {
  const auto& steps = program_->steps;
  const std::int64_t begin = Profile::now();
  std::int64_t before = begin;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i].kernel.run(steps[i].kernel.parameters.get(), context_);
    const std::int64_t after = Profile::now();
    profile_->record(i, before, after);
    before = after;
  }
  profile_->record_whole(begin, before);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Cost moved = cost(steps[i]);
    profile_->add_cost(i, moved.bytes, moved.flops);
  }
}

void Executor::run_poisoned() {
  for (std::size_t i = 0; i < program_->steps.size(); ++i) {
    poison_before(i);
    const Kernel& kernel = program_->steps[i].kernel;
    kernel.run(kernel.parameters.get(), context_);
  }
  poison_before(program_->steps.size());
}

// Live before a step is what an earlier one wrote and this or a later one, or the caller, reads.
void Executor::poison_before(std::size_t step) {
  std::vector<std::pair<std::size_t, std::size_t>> live;  // begin, end
  for (const Program::Placement& value : program_->placements)
    if (static_cast<std::size_t>(value.first) < step && static_cast<std::size_t>(value.last) >= step)
      live.emplace_back(value.offset, value.offset + value.bytes);
  live.emplace_back(arena_.size(), arena_.size());
  std::sort(live.begin(), live.end());
  std::size_t begin = 0;
  for (const auto& [from, to] : live) {
    if (begin < from) std::memset(arena_.mutable_data() + begin, kPoison, from - begin);
    begin = std::max(begin, to);
  }
  if (workspace_.size() > 0) std::memset(workspace_.mutable_data(), kPoison, workspace_.size());
}

// Of the step that has just run: its extents, its batch and the weights that it was bound to.
Cost Executor::cost(const Program::Step& step) const {
  const Node& node = program_->graph->node(step.node);
  if (node.op->cost == nullptr) return {};
  CostContext context([this](std::string_view name) { return symbols_[program_->symbol(name)]; });
  context.weight_bytes = [this, &step](std::size_t input) {
    const std::int32_t slot = step.slots[input];
    return slot < 0 ? 0
                    : static_cast<double>(context_.weights[static_cast<std::size_t>(slot)].weight->bytes());
  };
  context.batch = context_.batch;
  return node.op->cost({*program_->graph, node}, context);
}

TensorView Executor::output(std::size_t index) const {
  const Program::Port& port = program_->outputs[index];
  std::vector<std::int64_t> shape;
  for (const Extent& extent : port.shape) shape.push_back(extent(context_));
  return {port.place.resolve(context_), port.type.dtype, Shape(std::move(shape))};
}

}  // namespace swiftlet
