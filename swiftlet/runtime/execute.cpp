#include "swiftlet/runtime/execute.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {

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
  generation_ = generation;
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    const Program::Slot& slot = program_->slots[i];
    const std::uint64_t version = store_->version(slot.name);
    if (version == versions_[i]) continue;
    owned_[i] = store_->in_form(slot.name, slot.form);
    bound_[i] = {owned_[i].get(), {}};
    if (slot.form.layout == Layout::kPanels) bound_[i].panels = kernels::panel_view(*owned_[i]);
    versions_[i] = version;
  }
}

Executor::Executor(std::shared_ptr<const Program> program, std::shared_ptr<WeightStore> weights,
                   std::shared_ptr<ThreadPool> pool)
    : program_(program),
      bindings_(program, std::move(weights)),
      pool_(std::move(pool)),
      arena_(Buffer::heap(program_->arena_bytes)),
      workspace_(Buffer::heap(program_->workspace_bytes)),
      symbols_(program_->symbols.size(), 0) {
  context_.arena = arena_.mutable_data();
  context_.workspace = workspace_.mutable_data();
  context_.pool = pool_.get();
  context_.table = program_->table;
}

void Executor::run(const StepInputs& step) {
  require(step.inputs.size() == program_->inputs.size() && step.symbols.size() == symbols_.size(), "execute",
          "the step binds {} inputs and {} symbols, the program has {} and {}", step.inputs.size(),
          step.symbols.size(), program_->inputs.size(), symbols_.size());
  for (std::size_t i = 0; i < symbols_.size(); ++i)
    require(step.symbols[i] >= 0 && step.symbols[i] <= program_->maxima[i], "execute",
            "'{}' is {}, the program was planned for at most {}", program_->symbols[i], step.symbols[i],
            program_->maxima[i]);
  std::copy(step.symbols.begin(), step.symbols.end(), symbols_.begin());
  bindings_.refresh();
  context_.inputs = step.inputs;
  context_.weights = bindings_.weights();
  context_.symbols = symbols_;
  context_.batch = &step.batch;
  for (const Program::Step& kernel : program_->steps)
    kernel.kernel.run(kernel.kernel.parameters.get(), context_);
}

TensorView Executor::output(std::size_t index) const {
  const Program::Port& port = program_->outputs[index];
  std::vector<std::int64_t> shape;
  for (const Extent& extent : port.shape) shape.push_back(extent(context_));
  return {port.place.resolve(context_), port.type.dtype, Shape(std::move(shape))};
}

}  // namespace swiftlet
