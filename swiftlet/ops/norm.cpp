#include "swiftlet/ops/norm.h"

#include "swiftlet/ops/common.h"
#include "swiftlet/ops/elementwise.h"

namespace swiftlet::ops {
namespace {

constexpr std::int64_t kGrain = 8;  // rows

void check_parameters(const NodeView& node, std::size_t gain) {
  const Type& x = require_f32(node, 0);
  node.attribute<double>("eps");
  require_vector(node, gain, x.shape.back(), "gain");
  if (node.has(gain + 1)) require_vector(node, gain + 1, x.shape.back(), "bias");
}

std::int64_t heads_of(const Node& node) {
  return node.attributes.get_or<std::int64_t>("heads", 1);
}

// Each head by itself: one gain for all of them, or a row of the gain for each.
void check_heads(const NodeView& node, std::int64_t heads) {
  const Type& x = require_f32(node, 0);
  node.attribute<double>("eps");
  require(heads > 0 && last_dim(x) % heads == 0, "infer", "{} does not divide into {} heads", x.to_string(),
          heads);
  const Dim width = last_dim(x) / heads;
  if (node.type(1).shape.size() == 2)
    require(node.type(1).shape == Dims{heads, width}, "infer", "gain must be f32[{}, {}], is {}", heads,
            width.to_string(), node.type(1).to_string());
  else
    require_vector(node, 1, width, "gain");
  if (node.has(2)) {
    require(node.type(1).shape.size() == 1, "infer", "takes no bias beside a gain for each head");
    require_vector(node, 2, width, "bias");
  }
}

std::vector<Inferred> infer_norm(const NodeView& node) {
  if (node.node.attributes.has("heads"))
    check_heads(node, heads_of(node.node));
  else
    check_parameters(node, 1);
  require(node.node.op != &kRmsNorm || !node.has(2), "infer", "takes no bias");
  return {node.type(0)};
}

std::vector<Inferred> infer_add_norm(const NodeView& node) {
  check_parameters(node, 2);
  require(node.node.op != &kAddRmsNorm || !node.has(3), "infer", "takes no bias");
  require(node.type(0) == node.type(1), "infer", "x is {} but the residual is {}", node.type(0).to_string(),
          node.type(1).to_string());
  return {node.type(0), node.type(0)};
}

struct NormKernel {
  Place x, residual, gain, bias, sum, y;
  Extent rows;
  std::int64_t width = 0;
  std::int64_t heads = 1;     // of `width` each in a row
  bool gain_by_head = false;  // gain is [heads, width]
  float eps = 0, gain_offset = 0;
  bool rms = false;

  static void normalize(const NormKernel& p, const ExecContext& context, const float* x,
                        const float* residual, const float* gain, std::int64_t count, float* sum,
                        float* y) noexcept {
    const kernels::RowKernels& rows = context.table->rows;
    if (p.rms)
      rows.rms_norm(x, residual, gain, p.gain_offset, p.eps, count, p.width, sum, y);
    else
      rows.layer_norm(x, residual, gain, p.bias.f32(context), p.eps, count, p.width, sum, y);
  }

  static void run(const NormKernel& p, const ExecContext& context) noexcept {
    const float *x = p.x.f32(context), *residual = p.residual.f32(context);
    const float* gain = p.gain.f32(context);
    float* sum = p.sum.kind == Place::kAbsent ? nullptr : p.sum.f32_out(context);
    float* y = p.y.f32_out(context);
    context.pool->parallel_for(p.rows(context), kGrain, [&](std::int64_t begin, std::int64_t end) {
      if (p.gain_by_head) {
        for (std::int64_t i = begin * p.heads; i < end * p.heads; ++i)
          normalize(p, context, x + i * p.width, nullptr, gain + i % p.heads * p.width, 1, nullptr,
                    y + i * p.width);
        return;
      }
      const std::int64_t at = begin * p.heads * p.width;
      const float* r = residual == nullptr ? nullptr : residual + at;
      float* s = sum == nullptr ? nullptr : sum + at;
      normalize(p, context, x + at, r, gain, (end - begin) * p.heads, s, y + at);
    });
  }
};

Kernel lower_norm(LowerContext& context, bool rms, bool add) {
  const NodeView node{context.graph(), context.node()};
  const std::size_t gain = add ? 2 : 1;
  NormKernel kernel{.x = context.input(0),
                    .gain = context.input(gain),
                    .y = context.output(add ? 1 : 0),
                    .rows = context.extent(row_count(node.type(0))),
                    .width = last_dim(node.type(0)) / heads_of(node.node),
                    .heads = heads_of(node.node),
                    .gain_by_head = node.type(gain).shape.size() == 2,
                    .eps = static_cast<float>(node.attribute<double>("eps")),
                    .gain_offset = static_cast<float>(node.node.attributes.get_or<double>("gain_offset", 0)),
                    .rms = rms};
  if (add) {
    kernel.residual = context.input(1);
    kernel.sum = context.output(0);
  }
  if (node.has(gain + 1)) kernel.bias = context.input(gain + 1);
  return make_kernel(kernel);
}

Kernel lower_layer_norm(LowerContext& context) {
  return lower_norm(context, false, false);
}
Kernel lower_rms_norm(LowerContext& context) {
  return lower_norm(context, true, false);
}
Kernel lower_add_layer_norm(LowerContext& context) {
  return lower_norm(context, false, true);
}
Kernel lower_add_rms_norm(LowerContext& context) {
  return lower_norm(context, true, true);
}

std::vector<Value> decompose_add_norm(Graph& graph, NodeId id, const OpSchema& add, const OpSchema& norm) {
  const Node node = graph.node(id);
  const Value sum = graph.insert(id, add, {node.inputs[0], node.inputs[1]})[0];
  std::vector<ValueId> inputs{sum.id};
  inputs.insert(inputs.end(), node.inputs.begin() + 2, node.inputs.end());
  return {sum, graph.insert(id, norm, std::move(inputs), node.attributes)[0]};
}

Cost norm_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 6);
}

std::vector<Value> decompose_add_layer_norm(Graph& graph, NodeId id) {
  return decompose_add_norm(graph, id, kAdd, kLayerNorm);
}
std::vector<Value> decompose_add_rms_norm(Graph& graph, NodeId id) {
  return decompose_add_norm(graph, id, kAdd, kRmsNorm);
}

}  // namespace

const OpSchema kLayerNorm{
    .name = "layer_norm", .infer = infer_norm, .lower_cpu = lower_layer_norm, .cost = norm_cost};
const OpSchema kRmsNorm{
    .name = "rms_norm", .infer = infer_norm, .lower_cpu = lower_rms_norm, .cost = norm_cost};
const OpSchema kAddLayerNorm{.name = "add_layer_norm",
                             .infer = infer_add_norm,
                             .decompose = decompose_add_layer_norm,
                             .lower_cpu = lower_add_layer_norm,
                             .cost = norm_cost};
const OpSchema kAddRmsNorm{.name = "add_rms_norm",
                           .infer = infer_add_norm,
                           .decompose = decompose_add_rms_norm,
                           .lower_cpu = lower_add_rms_norm,
                           .cost = norm_cost};

Value layer_norm(Value x, Value gain, Value bias, double eps) {
  return x.graph->add(kLayerNorm, {x, gain, bias}, {{"eps", eps}})[0];
}

Value rms_norm(Value x, Value gain, double eps, double gain_offset) {
  Attributes attributes{{"eps", eps}};
  if (gain_offset != 0) attributes.set("gain_offset", gain_offset);
  return x.graph->add(kRmsNorm, {x, gain}, std::move(attributes))[0];
}

Value normalize_heads(Value x, const OpSchema& norm, Value gain, std::int64_t heads, double eps,
                      double gain_offset, Value bias) {
  Attributes attributes{{"eps", eps}, {"heads", heads}};
  if (gain_offset != 0) attributes.set("gain_offset", gain_offset);
  std::vector<Value> inputs{x, gain};
  if (bias) inputs.push_back(bias);
  return x.graph->add(norm, std::move(inputs), std::move(attributes))[0];
}

}  // namespace swiftlet::ops
