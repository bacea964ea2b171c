#include "swiftlet/ops/linear.h"

#include <algorithm>
#include <array>

#include "swiftlet/ops/common.h"
#include "swiftlet/ops/elementwise.h"

namespace swiftlet::ops {
Inferred infer_linear_output(const NodeView& node, std::size_t weight) {
  const Type& x = require_f32(node, 0);
  const Type& w = node.type(weight);
  require(w.shape.size() == 2, "infer", "a weight must have 2 dimensions, is {}", w.to_string());
  require(x.shape.back() == w.shape[1], "infer", "x is {} but the weight is {}: {} is not {}", x.to_string(),
          w.to_string(), x.shape.back().to_string(), w.shape[1].to_string());
  if (node.has(weight + 1)) require_vector(node, weight + 1, w.shape[0], "bias");
  Dims shape = x.shape;
  shape.back() = w.shape[0];
  return Type{DType::kF32, std::move(shape)};
}

namespace {

std::vector<Inferred> infer_linear(const NodeView& node) {
  require(node.inputs() == 3, "infer", "takes x, weight and bias (absent or not), got {} inputs",
          node.inputs());
  activation_from_name(node.node.attributes.get_or<std::string>("activation", ""));
  return {infer_linear_output(node, 1)};
}

std::vector<std::string> split_names(const std::string& joined) {
  std::vector<std::string> names(1);
  for (char c : joined) {
    if (c == ',')
      names.emplace_back();
    else
      names.back() += c;
  }
  return names;
}

std::vector<Inferred> infer_merged(const NodeView& node) {
  const std::size_t count = (node.inputs() - 1) / 2;
  require(node.inputs() == 2 * count + 1 && count >= 1 && count <= kMaxMerged, "infer",
          "takes x and 1 to {} pairs of weight and bias, got {} inputs", kMaxMerged, node.inputs());
  const auto activations = split_names(node.attribute<std::string>("activations"));
  require(activations.size() == count, "infer", "needs one activation for each of {} weights, got {}", count,
          activations.size());
  for (const std::string& name : activations) activation_from_name(name);
  std::vector<Inferred> outputs;
  for (std::size_t i = 0; i < count; ++i) outputs.push_back(infer_linear_output(node, 1 + 2 * i));
  return outputs;
}

struct LinearKernel {
  struct Output {
    std::int32_t slot = 0;
    Place bias, y;
    kernels::Activation activation = kernels::Activation::kNone;
    std::int64_t n = 0;
  };
  Place x;
  Extent rows;
  std::int64_t k = 0;
  Arithmetic arithmetic = Arithmetic::kF32;
  std::array<Output, kMaxMerged> outputs;
  std::size_t count = 0;

  static void run(const LinearKernel& p, const ExecContext& context) noexcept {
    std::array<kernels::LinearOutput, kMaxMerged> outputs;
    for (std::size_t i = 0; i < p.count; ++i) {
      const Output& output = p.outputs[i];
      outputs[i] = {.weight = context.weights[static_cast<std::size_t>(output.slot)].panels,
                    .bias = output.bias.f32(context),
                    .activation = output.activation,
                    .y = output.y.f32_out(context),
                    .ldy = output.n};
    }
    kernels::linear(*context.table, *context.pool, p.arithmetic, p.x.f32(context), p.k, p.rows(context),
                    std::span(outputs.data(), p.count), context.workspace);
  }
};

Kernel lower(LowerContext& context, const std::vector<std::string>& activations) {
  const NodeView view{context.graph(), context.node()};
  LinearKernel kernel{.x = context.input(0),
                      .rows = context.extent(row_count(view.type(0))),
                      .k = last_dim(view.type(0)),
                      .count = activations.size()};
  std::array<kernels::LinearOutput, kMaxMerged> planned;
  for (std::size_t i = 0; i < kernel.count; ++i) {
    const std::size_t weight = 1 + 2 * i;
    Encoding encoding;
    Arithmetic arithmetic = Arithmetic::kF32;
    LinearKernel::Output& output = kernel.outputs[i];
    output.slot = context.matrix_slot(weight, arithmetic, encoding);
    require(i == 0 || arithmetic == kernel.arithmetic, "infer", "merges weights of different arithmetic");
    kernel.arithmetic = arithmetic;
    output.bias = view.has(weight + 1) ? context.input(weight + 1) : Place{};
    output.y = context.output(i);
    output.activation = activation_from_name(activations[i]);
    output.n = last_dim(context.graph().value(context.node().outputs[i]).type);
    planned[i].weight.encoding = encoding;
    planned[i].weight.geometry = panel_geometry(encoding, output.n, kernel.k);
  }
  const std::int64_t most = context.maximum(row_count(view.type(0)));
  return make_kernel(kernel, kernels::linear_workspace(context.table(), context.threads(), kernel.arithmetic,
                                                       std::span(planned.data(), kernel.count), most));
}

Kernel lower_linear(LowerContext& context) {
  return lower(context, {context.node().attributes.get_or<std::string>("activation", "")});
}

Kernel lower_merged(LowerContext& context) {
  return lower(context, split_names(context.node().attributes.get<std::string>("activations")));
}

std::vector<Value> decompose_merged(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const auto activations = split_names(node.attributes.get<std::string>("activations"));
  std::vector<Value> outputs;
  for (std::size_t i = 0; i < activations.size(); ++i) {
    Attributes attributes;
    if (!activations[i].empty()) attributes.set("activation", activations[i]);
    outputs.push_back(graph.insert(id, kLinear,
                                   {node.inputs[0], node.inputs[1 + 2 * i], node.inputs[2 + 2 * i]},
                                   std::move(attributes))[0]);
  }
  return outputs;
}

Cost linear_cost(const NodeView& node, const CostContext& step) {
  const Dim::Lookup& value_of = step.value_of;
  Cost cost;
  const double rows = static_cast<double>(row_count(node.type(0)).evaluate(value_of));
  cost.bytes = 4 * element_count(node.type(0), value_of);
  for (std::size_t weight = 1; weight < node.inputs(); weight += 2) {
    const double elements = element_count(node.type(weight), value_of);
    cost.flops += 2 * rows * elements;
    cost.bytes += matrix_bytes(node, weight, step) +
                  4 * rows * static_cast<double>(node.type(weight).shape[0].evaluate(value_of));
  }
  return cost;
}

}  // namespace

const OpSchema kLinear{
    .name = "linear", .infer = infer_linear, .lower_cpu = lower_linear, .cost = linear_cost};

const OpSchema kLinearMerged{.name = "linear_merged",
                             .infer = infer_merged,
                             .decompose = decompose_merged,
                             .lower_cpu = lower_merged,
                             .cost = linear_cost};

Value linear(Value x, Value weight, Value bias) {
  return x.graph->add(kLinear, {x, weight, bias})[0];
}

Value linear(Value x, const Scope& scope, bool bias) {
  const Value weight = scope.weight("weight", 2);
  const Value b = bias ? scope.weight("bias", 1) : Value{};
  return scope.name(linear(x, weight, b));
}

Value linear(Value x, const Scope& scope, std::int64_t outputs, bool bias) {
  const Value weight = scope.weight("weight", Shape{outputs, last_dim(x.type())});
  const Value b = bias ? scope.weight("bias", Shape{outputs}) : Value{};
  return scope.name(linear(x, weight, b));
}

}  // namespace swiftlet::ops
