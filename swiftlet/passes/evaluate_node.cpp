#include "swiftlet/passes/evaluate_node.h"

#include <algorithm>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

constexpr std::size_t kAlign = 64;

bool is_constant_shape(const Dims& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& dim) { return dim.is_constant(); });
}

Shape concrete(const Dims& dims) {
  std::vector<std::int64_t> extents;
  for (const Dim& dim : dims) extents.push_back(dim.constant());
  return Shape(std::move(extents));
}

// Every operand is a constant; outputs lie one behind the other in a small arena.
class ConstantContext final : public LowerContext {
 public:
  ConstantContext(const Graph& graph, const Node& node) : graph_(graph), node_(node) {
    for (ValueId output : node.outputs) {
      offsets_.push_back(bytes_);
      const Type& type = graph.value(output).type;
      const auto bytes = static_cast<std::size_t>(concrete(type.shape).elements()) * dtype_size(type.dtype);
      bytes_ += (bytes + 2 * kAlign - 1) / kAlign * kAlign;
    }
  }
  const Graph& graph() const override { return graph_; }
  const Node& node() const override { return node_; }
  const kernels::KernelTable& table() const override { return *kernels::available_tables().front(); }
  bool rounds_activations() const override { return false; }
  int threads() const override { return 1; }
  Place input(std::size_t index) override {
    if (node_.inputs[index] == kNoId) return {};
    return {.kind = Place::kPointer, .pointer = graph_.value(node_.inputs[index]).constant.buffer().data()};
  }
  Place output(std::size_t index) override { return {.kind = Place::kArena, .offset = offsets_[index]}; }
  std::int32_t matrix_slot(std::size_t, Arithmetic&, Encoding&) override { unavailable(); }
  std::int32_t exact_matrix_slot(std::size_t, Encoding&) override { unavailable(); }
  std::int32_t table_slot(std::size_t) override { unavailable(); }
  Extent extent(const Dim& dim) override { return {.constant = dim.constant(), .terms = {}}; }
  std::int64_t maximum(const Dim& dim) const override { return dim.constant(); }
  std::int32_t ragged_axis(const Dim&) override { unavailable(); }
  std::int32_t state(std::size_t) override { unavailable(); }

  std::size_t bytes() const { return bytes_; }
  std::size_t offset(std::size_t index) const { return offsets_[index]; }

 private:
  [[noreturn]] static void unavailable() {
    fail(ErrorCode::kUnsupported, "evaluate_node", "only plain operands can be folded");
  }
  const Graph& graph_;
  const Node& node_;
  std::vector<std::size_t> offsets_;
  std::size_t bytes_ = 0;
};

bool can_evaluate(const Graph& graph, const Node& node) {
  if (node.op->has_effect || node.op->lower_cpu == nullptr) return false;
  for (ValueId input : node.inputs)
    if (input != kNoId && graph.value(input).kind != ValueKind::kConstant) return false;
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId output) { return is_constant_shape(graph.value(output).type.shape); });
}

}  // namespace

std::optional<std::vector<Tensor>> evaluate_node(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!can_evaluate(graph, node)) return std::nullopt;
  ConstantContext context(graph, node);
  Kernel kernel;
  try {
    kernel = lower_node(context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnsupported) return std::nullopt;
    throw;
  }
  Buffer arena = Buffer::heap(context.bytes()), workspace = Buffer::heap(kernel.workspace);
  ThreadPool pool(1);
  ExecContext run;
  run.arena = arena.mutable_data();
  run.workspace = workspace.mutable_data();
  run.pool = &pool;
  run.table = &context.table();
  kernel.run(kernel.parameters.get(), run);
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const Type& type = graph.value(node.outputs[i]).type;
    Tensor tensor = Tensor::zeros(type.dtype, concrete(type.shape));
    if (tensor.bytes() > 0)
      std::memcpy(tensor.mutable_data<std::byte>(), arena.data() + context.offset(i), tensor.bytes());
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

}  // namespace swiftlet
