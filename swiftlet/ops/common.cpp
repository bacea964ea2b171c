#include "swiftlet/ops/common.h"

namespace swiftlet::ops {

const Type& require_f32(const NodeView& node, std::size_t input, std::size_t rank) {
  const Type& type = node.type(input);
  require(type.dtype == DType::kF32 && type.shape.size() >= rank, "infer",
          "input {} must be f32 with at least {} dimensions, is {}", input, rank, type.to_string());
  return type;
}

void require_vector(const NodeView& node, std::size_t input, const Dim& length, std::string_view what) {
  const Type& type = node.type(input);
  require(type.dtype == DType::kF32 && type.shape == Dims{length}, "infer", "{} must be f32[{}], is {}", what,
          length.to_string(), type.to_string());
}

std::int64_t last_dim(const Type& type) {
  require(!type.shape.empty() && type.shape.back().is_constant(), "infer",
          "the last dimension of {} must be a number", type.to_string());
  return type.shape.back().constant();
}

Dim row_count(const Type& type) {
  Dim rows = 1;
  for (std::size_t i = 0; i + 1 < type.shape.size(); ++i) {
    const Dim& dim = type.shape[i];
    require(dim.is_constant() || rows.is_constant(), "infer", "{} has more than one symbolic dimension",
            type.to_string());
    rows = dim.is_constant() ? rows * dim.constant() : dim * rows.constant();
  }
  return rows;
}

double element_count(const Type& type, const Dim::Lookup& value_of) {
  double product = 1;
  for (const Dim& dim : type.shape) product *= static_cast<double>(dim.evaluate(value_of));
  return product;
}

double matrix_bytes(const NodeView& node, std::size_t input, const CostContext& step) {
  return step.weight_bytes ? step.weight_bytes(input) : 4 * element_count(node.type(input), step.value_of);
}

Cost streaming_cost(const NodeView& node, const CostContext& step, double flops_per_element) {
  const Dim::Lookup& value_of = step.value_of;
  Cost cost;
  for (std::size_t i = 0; i < node.inputs(); ++i)
    if (node.has(i))
      cost.bytes +=
          element_count(node.type(i), value_of) * static_cast<double>(dtype_size(node.type(i).dtype));
  for (ValueId output : node.node.outputs) {
    const Type& type = node.graph.value(output).type;
    cost.bytes += element_count(type, value_of) * static_cast<double>(dtype_size(type.dtype));
  }
  cost.flops = flops_per_element * element_count(node.graph.value(node.node.outputs[0]).type, value_of);
  return cost;
}

}  // namespace swiftlet::ops
