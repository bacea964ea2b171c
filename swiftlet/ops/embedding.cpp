#include "swiftlet/ops/embedding.h"

#include "swiftlet/ops/common.h"

namespace swiftlet::ops {
namespace {

std::vector<Inferred> infer_embedding(const NodeView& node) {
  const Type& ids = node.type(0);
  const Type& table = node.type(1);
  require(ids.dtype == DType::kI32, "infer", "ids must be i32, are {}", ids.to_string());
  require(table.shape.size() == 2, "infer", "the table must have 2 dimensions, is {}", table.to_string());
  Dims shape = ids.shape;
  shape.push_back(table.shape[1]);
  return {Type{DType::kF32, std::move(shape)}};
}

struct EmbeddingKernel {
  Place ids, y;
  Extent rows;
  std::int32_t table = 0;
  std::int64_t width = 0;

  static void run(const EmbeddingKernel& p, const ExecContext& context) noexcept {
    const auto* ids = static_cast<const std::int32_t*>(p.ids.resolve(context));
    float* y = p.y.f32_out(context);
    const Weight& table = *context.weights[static_cast<std::size_t>(p.table)].weight;
    context.pool->parallel_for(p.rows(context), 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) kernels::embed_row(table, ids[row], y + row * p.width);
    });
  }
};

Kernel lower_embedding(LowerContext& context) {
  const Type& type = context.graph().value(context.node().outputs[0]).type;
  return make_kernel(EmbeddingKernel{.ids = context.input(0),
                                     .y = context.output(0),
                                     .rows = context.extent(row_count(type)),
                                     .table = context.table_slot(1),
                                     .width = last_dim(type)});
}

// Reads as many rows of the table as it writes.
Cost embedding_cost(const NodeView& node, const CostContext& step) {
  const double elements = element_count(node.graph.value(node.node.outputs[0]).type, step.value_of);
  const double stored = matrix_bytes(node, 1, step) / element_count(node.type(1), step.value_of);
  return {.flops = 0, .bytes = (4 + stored) * elements};
}

}  // namespace

const OpSchema kEmbedding{
    .name = "embedding", .infer = infer_embedding, .lower_cpu = lower_embedding, .cost = embedding_cost};

Value embedding(Value ids, Value table) {
  return ids.graph->add(kEmbedding, {ids, table})[0];
}

Value embedding(Value ids, const Scope& scope) {
  return scope.name(embedding(ids, scope.weight("weight", 2)));
}

}  // namespace swiftlet::ops
