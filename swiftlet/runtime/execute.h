// Executor: runs a Program. One executor for each thread that runs steps; the program and the weights are
// shared.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "swiftlet/core/profile.h"
#include "swiftlet/graph/op_schema.h"
#include "swiftlet/runtime/program.h"

namespace swiftlet {

// The weights of a program in the forms that it reads. refresh() picks up replaced weights; not thread-safe.
class Bindings {
 public:
  Bindings(std::shared_ptr<const Program> program, std::shared_ptr<WeightStore> weights);
  void refresh();
  std::span<const BoundWeight> weights() const { return bound_; }
  // Throws kIo when the file of a weight was cut short, see mapped_file.h.
  void check_files() const;

 private:
  std::shared_ptr<const Program> program_;
  std::shared_ptr<WeightStore> store_;
  std::uint64_t generation_ = 0;
  std::vector<std::uint64_t> versions_;
  std::vector<std::shared_ptr<const Weight>> owned_;
  std::vector<BoundWeight> bound_;
};

// What a step binds. All spans are owned by the caller and must live through run().
struct StepInputs {
  std::span<const void* const> inputs;    // by Program::inputs, each in its dtype, dense
  std::span<const std::int64_t> symbols;  // by Program::symbols, at most the planned maxima
  Batch batch;
};

class Executor {
 public:
  // Throws Error when the pool has more threads than the program was compiled for.
  Executor(std::shared_ptr<const Program> program, std::shared_ptr<WeightStore> weights,
           std::shared_ptr<ThreadPool> pool);

  // Runs the program once; allocates nothing. Throws Error when a symbol exceeds its planned maximum or the
  // tables of the batch do not fit the symbols, and when the file of a weight was cut short meanwhile: what
  // the run left is then not to be used.
  void run(const StepInputs& step);
  // A view of output `index` of the last run; valid until the next one.
  TensorView output(std::size_t index) const;
  // Its elements alone; allocates nothing.
  const void* output_data(std::size_t index) const {
    return program_->outputs[index].place.resolve(context_);
  }
  TensorView output(std::string_view name) const { return output(program_->output(name)); }

  // Records every step that follows into `profile`, one row for each kernel; null ends it. The profile must
  // live until then. Throws Error when its rows are those of another program.
  void set_profile(Profile* profile);

  // For tests of the memory plan: from now on every byte of the arena that holds no live value is NaN
  // whenever a kernel begins, and so is the workspace.
  void poison_dead_buffers(bool on) { poison_ = on; }

  const Program& program() const { return *program_; }
  std::size_t bytes() const { return arena_.size() + workspace_.size(); }
  Bindings& bindings() { return bindings_; }

 private:
  void check_symbols(const StepInputs& step) const;
  void check_batch(const StepInputs& step) const;
  void run_profiled();
  void run_poisoned();
  void poison_before(std::size_t step);
  Cost cost(const Program::Step& step) const;

  std::shared_ptr<const Program> program_;
  Bindings bindings_;
  std::shared_ptr<ThreadPool> pool_;
  Buffer arena_, workspace_;
  std::vector<std::int64_t> symbols_;  // of the last run, for output shapes
  std::vector<const void*> inputs_;    // of the last run, for outputs that are inputs
  // Index in Program::symbols by ragged axis, and that of the number of sequences; -1: not a symbol of the
  // program.
  std::vector<std::int32_t> axis_symbols_;
  std::int32_t sequences_ = -1;
  ExecContext context_;
  Profile* profile_ = nullptr;
  bool poison_ = false;
};

}  // namespace swiftlet
