#include "swiftlet/ops/experts.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/ops/common.h"
#include "swiftlet/ops/elementwise.h"

namespace swiftlet::ops {
namespace {

using kernels::Routing;

Routing routing_of(const NodeView& node) {
  return {.chosen = node.attribute<std::int64_t>("chosen"),
          .over_all = node.attribute<bool>("over_all"),
          .factor = node.node.attributes.get_or<double>("factor", 1)};
}

void check_chosen(std::int64_t chosen, std::int64_t experts) {
  require(experts >= 1 && experts <= kernels::kMaxExperts, "infer", "takes 1 to {} experts, got {}",
          kernels::kMaxExperts, experts);
  require(chosen >= 1 && chosen <= std::min(experts, kernels::kMaxChosen), "infer",
          "chooses 1 to {} of {} experts, not {}", std::min(experts, kernels::kMaxChosen), experts, chosen);
}

// Throws unless the input is a matrix [n, k].
void require_matrix(const NodeView& node, std::size_t input, const Dim& n, const Dim& k,
                    std::string_view what) {
  const Type& type = node.type(input);
  require(type.shape == Dims{n, k}, "infer", "{} must be [{}, {}], is {}", what, n.to_string(), k.to_string(),
          type.to_string());
}

std::vector<Inferred> infer_route(const NodeView& node) {
  require(node.inputs() == 3, "infer", "takes x, weight and bias (absent or not), got {} inputs",
          node.inputs());
  const Type& x = require_f32(node, 0, 2);
  const Type& weight = node.type(1);
  require(weight.shape.size() == 2, "infer", "a weight must have 2 dimensions, is {}", weight.to_string());
  require_matrix(node, 1, weight.shape[0], x.shape.back(), "the router");
  if (node.has(2)) require_vector(node, 2, weight.shape[0], "bias");
  check_chosen(routing_of(node).chosen, weight.shape[0].constant());
  Dims shape = x.shape;
  shape.back() = weight.shape[0];
  return {Type{DType::kF32, std::move(shape)}};
}

struct RouteKernel {
  Place x, bias, gates;
  std::int32_t slot = 0;
  Extent rows;
  std::int64_t hidden = 0, experts = 0;
  Routing routing;

  static void run(const RouteKernel& p, const ExecContext& context) noexcept {
    constexpr std::int64_t kGrain = 16;  // rows worth a thread's while
    float* gates = p.gates.f32_out(context);
    const std::int64_t rows = p.rows(context);
    const kernels::LinearOutput scores{.weight = context.weights[static_cast<std::size_t>(p.slot)].panels,
                                       .bias = p.bias.f32(context),
                                       .activation = kernels::Activation::kNone,
                                       .y = gates,
                                       .ldy = p.experts};
    kernels::linear(*context.table, *context.pool, Arithmetic::kF32, p.x.f32(context), p.hidden, rows,
                    {&scores, 1}, context.workspace);
    context.pool->parallel_for(rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
      float* own = gates + begin * p.experts;
      kernels::route(p.routing, own, end - begin, p.experts, own);
    });
  }
};

Kernel lower_route(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  Encoding encoding;
  RouteKernel kernel{.x = context.input(0),
                     .bias = node.has(2) ? context.input(2) : Place{},
                     .gates = context.output(0),
                     .slot = context.exact_matrix_slot(1, encoding),
                     .rows = context.extent(row_count(node.type(0))),
                     .hidden = last_dim(node.type(0)),
                     .experts = node.type(1).shape[0].constant(),
                     .routing = routing_of(node)};
  kernels::LinearOutput planned;
  planned.weight.encoding = encoding;
  planned.weight.geometry = panel_geometry(encoding, kernel.experts, kernel.hidden);
  const std::int64_t most = context.maximum(row_count(node.type(0)));
  return make_kernel(std::move(kernel), kernels::linear_workspace(context.table(), context.threads(),
                                                                  Arithmetic::kF32, {&planned, 1}, most));
}

Cost route_cost(const NodeView& node, const CostContext& step) {
  const double gates = element_count(node.graph.value(node.node.outputs[0]).type, step.value_of);
  const double width = static_cast<double>(last_dim(node.type(0)));
  return {.flops = 2 * gates * width,
          .bytes = 4 * element_count(node.type(0), step.value_of) + matrix_bytes(node, 1, step) + 4 * gates};
}

std::size_t expert_count(const NodeView& node) {
  return (node.inputs() - 2) / kExpertInputs;
}

std::size_t first_input(std::size_t expert) {
  return 2 + expert * kExpertInputs;
}

kernels::ExpertGate gate_of(const NodeView& node) {
  const Attributes& attributes = node.node.attributes;
  return {.activation = activation_from_name(attributes.get<std::string>("activation")),
          .alpha = static_cast<float>(attributes.get_or<double>("alpha", 0)),
          .limit = static_cast<float>(attributes.get_or<double>("limit", 0))};
}

std::vector<Inferred> infer_experts(const NodeView& node) {
  require(node.inputs() > 2 && (node.inputs() - 2) % kExpertInputs == 0, "infer",
          "takes x, gates and {} inputs for each expert, got {} inputs", kExpertInputs, node.inputs());
  const Type& x = require_f32(node, 0, 2);
  const Type& gates = require_f32(node, 1, 2);
  const std::size_t count = expert_count(node);
  check_chosen(node.attribute<std::int64_t>("chosen"), static_cast<std::int64_t>(count));
  require(row_count(gates) == row_count(x) && last_dim(gates) == static_cast<std::int64_t>(count), "infer",
          "the gates of {} over {} experts are {}", x.to_string(), count, gates.to_string());
  require(gate_of(node).activation != kernels::Activation::kNone || gate_of(node).limit > 0, "infer",
          "a gate needs an activation");
  const Dim hidden = x.shape.back();
  require(node.type(2).shape.size() == 2, "infer", "a weight must have 2 dimensions, is {}",
          node.type(2).to_string());
  const Dim width = node.type(2).shape[0];
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = first_input(i);
    require_matrix(node, at, width, hidden, "the gate of an expert");
    require_matrix(node, at + 1, width, hidden, "the way up of an expert");
    require_matrix(node, at + 2, hidden, width, "the way down of an expert");
    if (node.has(at + 3)) require_vector(node, at + 3, width, "bias");
    if (node.has(at + 4)) require_vector(node, at + 4, width, "bias");
    if (node.has(at + 5)) require_vector(node, at + 5, hidden, "bias");
  }
  return {x};
}

struct ExpertsKernel {
  struct Matrix {
    std::int32_t slot = 0;
    Place bias;
    Arithmetic arithmetic = Arithmetic::kF32;
  };
  struct Expert {
    Matrix gate, up, down;
  };
  Place x, gates, y;
  Extent rows;
  std::vector<Expert> experts;
  std::int64_t hidden = 0, width = 0, chosen = 0;
  kernels::ExpertGate gate;

  struct Source {
    const ExpertsKernel& kernel;
    const ExecContext& context;
  };

  static kernels::ExpertMatrix bind(const Matrix& matrix, const ExecContext& context) noexcept {
    return {.weight = context.weights[static_cast<std::size_t>(matrix.slot)].panels,
            .bias = matrix.bias.f32(context),
            .arithmetic = matrix.arithmetic};
  }

  static kernels::Expert expert(const void* source, std::int64_t index) noexcept {
    const auto& [kernel, context] = *static_cast<const Source*>(source);
    const Expert& one = kernel.experts[static_cast<std::size_t>(index)];
    return {bind(one.gate, context), bind(one.up, context), bind(one.down, context)};
  }

  static void run(const ExpertsKernel& p, const ExecContext& context) noexcept {
    const Source source{p, context};
    kernels::experts(*context.table, *context.pool,
                     {.x = p.x.f32(context),
                      .gates = p.gates.f32(context),
                      .y = p.y.f32_out(context),
                      .rows = p.rows(context),
                      .experts = std::ssize(p.experts),
                      .hidden = p.hidden,
                      .width = p.width,
                      .chosen = p.chosen,
                      .gate = p.gate,
                      .expert = expert,
                      .source = &source},
                     context.workspace);
  }
};

// The slot of a matrix and its form for the plan of the workspace.
ExpertsKernel::Matrix lower_matrix(LowerContext& context, std::size_t input, kernels::ExpertMatrix& planned) {
  const NodeView node{context.graph(), context.node()};
  ExpertsKernel::Matrix matrix;
  Encoding encoding;
  matrix.slot = context.matrix_slot(input, matrix.arithmetic, encoding);
  if (node.has(input + 3)) matrix.bias = context.input(input + 3);
  const Dims& shape = node.type(input).shape;
  planned.arithmetic = matrix.arithmetic;
  planned.weight.encoding = encoding;
  planned.weight.geometry = panel_geometry(encoding, shape[0].constant(), shape[1].constant());
  return matrix;
}

Kernel lower_experts(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  ExpertsKernel kernel{.x = context.input(0),
                       .gates = context.input(1),
                       .y = context.output(0),
                       .rows = context.extent(row_count(node.type(0))),
                       .experts = std::vector<ExpertsKernel::Expert>(expert_count(node)),
                       .hidden = last_dim(node.type(0)),
                       .width = node.type(2).shape[0].constant(),
                       .chosen = node.attribute<std::int64_t>("chosen"),
                       .gate = gate_of(node)};
  std::vector<kernels::Expert> planned(kernel.experts.size());
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const std::size_t at = first_input(i);
    kernel.experts[i] = {lower_matrix(context, at, planned[i].gate),
                         lower_matrix(context, at + 1, planned[i].up),
                         lower_matrix(context, at + 2, planned[i].down)};
  }
  const std::int64_t most = context.maximum(row_count(node.type(0)));
  const std::size_t workspace =
      kernels::experts_workspace(context.table(), context.threads(), planned, most, kernel.chosen);
  return make_kernel(std::move(kernel), workspace);
}

Cost experts_cost(const NodeView& node, const CostContext& step) {
  const double rows = static_cast<double>(row_count(node.type(0)).evaluate(step.value_of));
  const double chosen = rows * static_cast<double>(node.attribute<std::int64_t>("chosen"));
  Cost cost;
  double weights = 0;
  for (std::size_t i = 0; i < expert_count(node); ++i)
    for (std::size_t k = 0; k < 3; ++k) weights += matrix_bytes(node, first_input(i) + k, step);
  cost.bytes =
      4 * (2 * element_count(node.type(0), step.value_of) + element_count(node.type(1), step.value_of)) +
      weights * expected_share(node, rows);
  for (std::size_t k = 0; k < 3; ++k)
    cost.flops += 2 * chosen * element_count(node.type(2 + k), step.value_of);
  return cost;
}

}  // namespace

const OpSchema kRoute{.name = "route", .infer = infer_route, .lower_cpu = lower_route, .cost = route_cost};
const OpSchema kExperts{
    .name = "experts", .infer = infer_experts, .lower_cpu = lower_experts, .cost = experts_cost};

Value route(Value x, Value weight, Value bias, const Routing& routing) {
  Attributes attributes{{"chosen", routing.chosen}, {"over_all", routing.over_all}};
  if (routing.factor != 1) attributes.set("factor", routing.factor);
  return x.graph->add(kRoute, {x, weight, bias}, std::move(attributes))[0];
}

Value experts(Value x, Value gates, const std::vector<ExpertValues>& experts, std::int64_t chosen,
              const ExpertActivation& activation) {
  std::vector<Value> inputs{x, gates};
  inputs.reserve(first_input(experts.size()));
  for (const ExpertValues& one : experts)
    inputs.insert(inputs.end(), {one.gate, one.up, one.down, one.gate_bias, one.up_bias, one.down_bias});
  Attributes attributes{{"chosen", chosen}, {"activation", activation.name}};
  if (activation.limit > 0) {
    attributes.set("alpha", activation.alpha);
    attributes.set("limit", activation.limit);
  }
  return x.graph->add(kExperts, std::move(inputs), std::move(attributes))[0];
}

double expected_share(const NodeView& experts, double rows) {
  const double share = static_cast<double>(experts.attribute<std::int64_t>("chosen")) /
                       static_cast<double>(expert_count(experts));
  return 1 - std::pow(1 - share, rows);
}

}  // namespace swiftlet::ops
