#include "swiftlet/ops/reshape.h"

#include <cstring>

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

// Product of dimensions, of which at most one may be symbolic.
Dim product(const Dims& dims, std::string_view what) {
  Dim total = 1;
  for (const Dim& dim : dims) {
    require(dim.is_constant() || total.is_constant(), "infer", "{} {} has more than one symbolic dimension",
            what, to_string(dims));
    total = dim.is_constant() ? total * dim.constant() : dim * total.constant();
  }
  return total;
}

std::vector<Inferred> infer_reshape(const NodeView& node) {
  const Type& x = node.type(0);
  const auto& wanted = node.info(1).integers;
  require(node.type(1).shape.size() == 1, "infer", "the shape input must have one dimension, is {}",
          node.type(1).to_string());
  require(wanted.has_value(), "infer", "the shape input {} is not known before the program runs",
          node.type(1).to_string());
  Dims shape = *wanted;
  Dims known;
  std::ptrdiff_t free = -1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == Dim(-1)) {
      require(free < 0, "infer", "{} has more than one -1", to_string(*wanted));
      free = static_cast<std::ptrdiff_t>(i);
    } else {
      require(!shape[i].is_constant() || shape[i].constant() >= 0, "infer", "{} has a negative extent",
              to_string(*wanted));
      known.push_back(shape[i]);
    }
  }
  const Dim total = product(x.shape, "x");
  const Dim rest = product(known, "the shape");
  if (free >= 0) {
    require(rest.is_constant() && rest.constant() > 0 &&
                total.floor_div(rest.constant()) * rest.constant() == total,
            "infer", "{} does not divide into {}", x.to_string(), to_string(*wanted));
    shape[static_cast<std::size_t>(free)] = total.floor_div(rest.constant());
  } else {
    require(rest == total, "infer", "{} has {} elements, {} asks for {}", x.to_string(), total.to_string(),
            to_string(*wanted), rest.to_string());
  }
  return {Type{x.dtype, std::move(shape)}};
}

struct CopyKernel {
  Place x, y;
  Extent elements;
  std::size_t element_bytes = 0;

  static void run(const CopyKernel& p, const ExecContext& context) noexcept {
    const std::size_t bytes = static_cast<std::size_t>(p.elements(context)) * p.element_bytes;
    if (bytes > 0) std::memcpy(p.y.f32_out(context), p.x.resolve(context), bytes);
  }
};

Kernel lower_reshape(LowerContext& context) {
  const Type& type = NodeView{context.graph(), context.node()}.type(0);
  return make_kernel(CopyKernel{.x = context.input(0),
                                .y = context.output(0),
                                .elements = context.extent(product(type.shape, "x")),
                                .element_bytes = dtype_size(type.dtype)});
}

std::vector<Inferred> infer_shape_of(const NodeView& node) {
  const Dims& shape = node.type(0).shape;
  return {Inferred(Type{DType::kI64, {Dim(static_cast<std::int64_t>(shape.size()))}}, shape)};
}

struct ShapeKernel {
  Place y;
  std::vector<Extent> shape;

  static void run(const ShapeKernel& p, const ExecContext& context) noexcept {
    auto* y = reinterpret_cast<std::int64_t*>(p.y.f32_out(context));
    for (const Extent& extent : p.shape) *y++ = extent(context);
  }
};

Kernel lower_shape_of(LowerContext& context) {
  ShapeKernel kernel{.y = context.output(0)};
  for (const Dim& dim : NodeView{context.graph(), context.node()}.type(0).shape)
    kernel.shape.push_back(context.extent(dim));
  return make_kernel(std::move(kernel));
}

Cost copy_cost(const NodeView& node, const CostContext& step) {
  return streaming_cost(node, step, 0);
}
Cost no_cost(const NodeView&, const CostContext&) {
  return {};
}

}  // namespace

const OpSchema kReshape{
    .name = "reshape", .infer = infer_reshape, .lower_cpu = lower_reshape, .cost = copy_cost};
const OpSchema kShapeOf{
    .name = "shape_of", .infer = infer_shape_of, .lower_cpu = lower_shape_of, .cost = no_cost};

Value reshape(Value x, Value shape) {
  return x.graph->add(kReshape, {x, shape})[0];
}
Value shape_of(Value x) {
  return x.graph->add(kShapeOf, {x})[0];
}

}  // namespace swiftlet::ops
