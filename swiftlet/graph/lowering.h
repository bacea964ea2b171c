// What a node becomes: a Kernel, a plain function over a parameter struct whose operands are places, not
// pointers. The runtime resolves a place with the arena, the inputs and the weight slots of the step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/graph/graph.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet {

// Keys and values of one layer of a paged cache.
struct CacheLayer {
  void* keys = nullptr;
  void* values = nullptr;
  DType dtype = DType::kF32;
};

// One ragged axis of a step: which rows belong to which sequence.
struct RaggedAxis {
  std::span<const kernels::Segment> segments;
};

// The tables of one step. Plain pointers, owned by the caller, at fixed addresses while a program runs.
struct Batch {
  std::span<const RaggedAxis> axes;           // by Program::ragged_axes
  std::span<const std::int64_t> cache_slots;  // [tokens]: block * kKeyBlock + offset; empty without a cache
  std::span<const CacheLayer> cache;          // by state index; empty without a cache
};

// A weight as kernels read it; the slot's version is fixed for the step.
struct BoundWeight {
  const Weight* weight = nullptr;  // in the layout that the program asked for
  kernels::PanelView panels;       // when in panel order
};

struct ExecContext {
  std::byte* arena = nullptr;
  std::byte* workspace = nullptr;
  std::span<const void* const> inputs;
  std::span<const BoundWeight> weights;
  std::span<const std::int64_t> symbols;  // the step's value of every symbol of the program
  const Batch* batch = nullptr;
  ThreadPool* pool = nullptr;
  const kernels::KernelTable* table = nullptr;
};

// Where a value lies.
struct Place {
  enum Kind : std::uint8_t { kAbsent, kArena, kInput, kSlot, kPointer } kind = kAbsent;
  std::int32_t index = 0;              // input or slot
  std::size_t offset = 0;              // arena
  const std::byte* pointer = nullptr;  // constants, owned by the program

  const void* resolve(const ExecContext& context) const {
    switch (kind) {
      case kArena:
        return context.arena + offset;
      case kInput:
        return context.inputs[static_cast<std::size_t>(index)];
      case kSlot:  // vectors and row-major tables
        return context.weights[static_cast<std::size_t>(index)].weight->codes.data();
      case kPointer:
        return pointer;
      case kAbsent:
        return nullptr;
    }
    return nullptr;
  }
  const float* f32(const ExecContext& context) const { return static_cast<const float*>(resolve(context)); }
  float* f32_out(const ExecContext& context) const {
    return reinterpret_cast<float*>(context.arena + offset);
  }
};

// An extent that a kernel evaluates per step without strings: constant + sum of factor * symbol.
struct Extent {
  std::int64_t constant = 0;
  struct Term {
    std::int32_t symbol;
    std::int64_t factor;
  };
  std::vector<Term> terms;

  std::int64_t operator()(const ExecContext& context) const {
    std::int64_t sum = constant;
    for (const Term& term : terms)
      sum += term.factor * context.symbols[static_cast<std::size_t>(term.symbol)];
    return sum;
  }
};

struct Kernel {
  using Run = void (*)(const void* parameters, const ExecContext& context) noexcept;
  Run run = nullptr;
  std::shared_ptr<const void> parameters;
  std::size_t workspace = 0;  // bytes for the program's largest step
};

// Wraps a parameter struct P with `static void run(const P&, const ExecContext&) noexcept`.
template <class P>
Kernel make_kernel(P parameters, std::size_t workspace = 0) {
  return {
      [](const void* p, const ExecContext& context) noexcept { P::run(*static_cast<const P*>(p), context); },
      std::make_shared<const P>(std::move(parameters)), workspace};
}

// What a lowering asks of the compiler.
class LowerContext {
 public:
  virtual ~LowerContext() = default;
  virtual const Graph& graph() const = 0;
  virtual const Node& node() const = 0;
  virtual const kernels::KernelTable& table() const = 0;
  virtual int threads() const = 0;

  virtual Place input(std::size_t index) = 0;  // activations, constants, and vectors (bound as f32 rows)
  virtual Place output(std::size_t index) = 0;
  // The slot of a matrix for `linear`, bound in panel order in the encoding that fits the precision.
  virtual std::int32_t matrix_slot(std::size_t input, Arithmetic& arithmetic, Encoding& encoding) = 0;
  // The same, bound as it is stored whatever the precision, and multiplied in f32.
  virtual std::int32_t exact_matrix_slot(std::size_t input, Encoding& encoding) = 0;
  // The slot of a table for `embedding`, bound as it is stored.
  virtual std::int32_t table_slot(std::size_t input) = 0;
  virtual Extent extent(const Dim& dim) = 0;
  // The largest value that a dimension can take in this program.
  virtual std::int64_t maximum(const Dim& dim) const = 0;
  // The ragged axis of a symbol ("tokens"); throws when the dimension is not one symbol.
  virtual std::int32_t ragged_axis(const Dim& dim) = 0;
  virtual std::int32_t state(std::size_t input) = 0;
  // Whether attention may round what it multiplies to bf16 (runtime/compile.h).
  virtual bool rounds_activations() const = 0;
};

}  // namespace swiftlet
