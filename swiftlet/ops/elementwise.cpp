#include "swiftlet/ops/elementwise.h"

#include <array>
#include <utility>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

constexpr std::int64_t kGrain = 4096;  // elements worth a thread's while

std::vector<Inferred> infer_binary(const NodeView& node) {
  const Type& a = require_f32(node, 0);
  const Type& b = require_f32(node, 1);
  const bool vector = b.shape.size() == 1 && b.shape[0] == a.shape.back();
  require(a.shape == b.shape || vector, "infer", "{} and {} do not go together", a.to_string(),
          b.to_string());
  return {a};
}

struct BinaryKernel {
  Place a, b, y;
  Extent rows;
  std::int64_t width = 0;
  bool vector = false;  // b is one row for all
  bool multiply = false;

  static void run(const BinaryKernel& p, const ExecContext& context) noexcept {
    const float *a = p.a.f32(context), *b = p.b.f32(context);
    float* y = p.y.f32_out(context);
    const auto function = p.multiply ? context.table->rows.mul : context.table->rows.add;
    const std::int64_t rows = p.rows(context),
                       grain = std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, p.width));
    context.pool->parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
      if (!p.vector)
        return function(a + begin * p.width, b + begin * p.width, y + begin * p.width,
                        (end - begin) * p.width);
      for (std::int64_t row = begin; row < end; ++row)
        function(a + row * p.width, b, y + row * p.width, p.width);
    });
  }
};

Kernel lower_binary(LowerContext& context, bool multiply) {
  const NodeView node{context.graph(), context.node()};
  const Type& a = node.type(0);
  return make_kernel(BinaryKernel{.a = context.input(0),
                                  .b = context.input(1),
                                  .y = context.output(0),
                                  .rows = context.extent(row_count(a)),
                                  .width = last_dim(a),
                                  .vector = node.type(1).shape != a.shape,
                                  .multiply = multiply});
}

Kernel lower_add(LowerContext& context) {
  return lower_binary(context, false);
}
Kernel lower_mul(LowerContext& context) {
  return lower_binary(context, true);
}

std::vector<Inferred> infer_scale(const NodeView& node) {
  node.attribute<double>("factor");
  return {require_f32(node, 0)};
}

std::vector<Inferred> infer_clip(const NodeView& node) {
  const auto limit = node.attribute<double>("limit");
  require(limit > 0, "infer", "the limit must be above 0, is {}", limit);
  return {require_f32(node, 0)};
}

std::vector<Inferred> infer_shift(const NodeView& node) {
  const Type& x = node.type(0);
  node.attribute<std::int64_t>("offset");
  require(x.dtype == DType::kI32 && x.shape.size() == 1, "infer", "x must be i32[n], is {}", x.to_string());
  return {x};
}

struct ShiftKernel {
  Place x, y;
  Extent rows;
  std::int32_t offset = 0;

  static void run(const ShiftKernel& p, const ExecContext& context) noexcept {
    const auto* x = static_cast<const std::int32_t*>(p.x.resolve(context));
    auto* y = reinterpret_cast<std::int32_t*>(p.y.f32_out(context));
    const std::int64_t rows = p.rows(context);
    for (std::int64_t i = 0; i < rows; ++i) y[i] = x[i] + p.offset;
  }
};

Kernel lower_shift(LowerContext& context) {
  const NodeView node{context.graph(), context.node()};
  return make_kernel(
      ShiftKernel{.x = context.input(0),
                  .y = context.output(0),
                  .rows = context.extent(node.type(0).shape[0]),
                  .offset = static_cast<std::int32_t>(node.attribute<std::int64_t>("offset"))});
}

std::vector<Inferred> infer_activation(const NodeView& node) {
  activation_from_name(node.attribute<std::string>("function"));
  return {require_f32(node, 0)};
}

struct UnaryKernel {
  Place x, y;
  Extent rows;
  std::int64_t width = 0;
  kernels::Activation activation = kernels::Activation::kNone;
  float factor = 1;
  float limit = 0;  // above 0: clips

  static void run(const UnaryKernel& p, const ExecContext& context) noexcept {
    const float* x = p.x.f32(context);
    float* y = p.y.f32_out(context);
    context.pool->parallel_for(p.rows(context) * p.width, kGrain, [&](std::int64_t begin, std::int64_t end) {
      if (p.limit > 0)
        context.table->rows.clip(x + begin, p.limit, y + begin, end - begin);
      else if (p.activation == kernels::Activation::kNone)
        context.table->rows.scale(x + begin, p.factor, y + begin, end - begin);
      else
        context.table->rows.activate(p.activation, x + begin, y + begin, end - begin);
    });
  }
};

UnaryKernel unary(LowerContext& context) {
  const Type& type = NodeView{context.graph(), context.node()}.type(0);
  return {.x = context.input(0),
          .y = context.output(0),
          .rows = context.extent(row_count(type)),
          .width = last_dim(type)};
}

Kernel lower_scale(LowerContext& context) {
  UnaryKernel kernel = unary(context);
  kernel.factor = static_cast<float>(context.node().attributes.get<double>("factor"));
  return make_kernel(kernel);
}

Kernel lower_clip(LowerContext& context) {
  UnaryKernel kernel = unary(context);
  kernel.limit = static_cast<float>(context.node().attributes.get<double>("limit"));
  return make_kernel(kernel);
}

Kernel lower_activation(LowerContext& context) {
  UnaryKernel kernel = unary(context);
  kernel.activation = activation_from_name(context.node().attributes.get<std::string>("function"));
  return make_kernel(kernel);
}

Cost one_flop(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 1);
}
Cost function_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 10);
}

constexpr std::array<std::pair<std::string_view, kernels::Activation>, 11> kActivations{{
    {"", kernels::Activation::kNone},
    {"relu", kernels::Activation::kRelu},
    {"gelu", kernels::Activation::kGelu},
    {"gelu_new", kernels::Activation::kGeluTanh},
    {"gelu_fast", kernels::Activation::kGeluTanh},
    {"gelu_pytorch_tanh", kernels::Activation::kGeluTanh},
    {"gelu_tanh", kernels::Activation::kGeluTanh},
    {"silu", kernels::Activation::kSilu},
    {"swish", kernels::Activation::kSilu},
    {"tanh", kernels::Activation::kTanh},
    {"sigmoid", kernels::Activation::kSigmoid},
}};

}  // namespace

kernels::Activation activation_from_name(std::string_view name) {
  std::string known;
  for (const auto& [text, value] : kActivations) {
    if (text == name) return value;
    if (!text.empty()) known += (known.empty() ? "" : ", ") + std::string(text);
  }
  fail(ErrorCode::kUnsupported, "activation", "'{}' is not known; known are {}", name, known);
}

const OpSchema kAdd{.name = "add", .infer = infer_binary, .lower_cpu = lower_add, .cost = one_flop};
const OpSchema kMul{.name = "mul", .infer = infer_binary, .lower_cpu = lower_mul, .cost = one_flop};
const OpSchema kScale{.name = "scale", .infer = infer_scale, .lower_cpu = lower_scale, .cost = one_flop};
const OpSchema kClip{.name = "clip", .infer = infer_clip, .lower_cpu = lower_clip, .cost = one_flop};
const OpSchema kShift{.name = "shift", .infer = infer_shift, .lower_cpu = lower_shift, .cost = one_flop};
const OpSchema kActivation{
    .name = "activation", .infer = infer_activation, .lower_cpu = lower_activation, .cost = function_cost};

Value add(Value a, Value b) {
  return a.graph->add(kAdd, {a, b})[0];
}
Value mul(Value a, Value b) {
  return a.graph->add(kMul, {a, b})[0];
}
Value scale(Value x, double factor) {
  return x.graph->add(kScale, {x}, {{"factor", factor}})[0];
}
Value clip(Value x, double limit) {
  return x.graph->add(kClip, {x}, {{"limit", limit}})[0];
}
Value shift(Value x, std::int64_t offset) {
  return offset == 0 ? x : x.graph->add(kShift, {x}, {{"offset", offset}})[0];
}
Value activation(Value x, std::string_view function) {
  if (function == "relu2") {  // Primer (So et al., 2021)
    const Value r = activation(x, "relu");
    return mul(r, r);
  }
  if (function == "quick_gelu") return mul(x, activation(scale(x, 1.702), "sigmoid"));
  return x.graph->add(kActivation, {x}, {{"function", std::string(function)}})[0];
}

}  // namespace swiftlet::ops
