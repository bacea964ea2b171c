#include "swiftlet/ops/embedding_norm.h"

#include <array>

#include "swiftlet/ops/common.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/norm.h"

namespace swiftlet::ops {
namespace {

constexpr std::size_t kFirst = 2;        // input of the first pair, behind gain and bias
constexpr std::int64_t kSerialRows = 8;  // up to which waking the pool costs more than it brings

std::size_t pairs_of(const Node& node) {
  return (node.inputs.size() - kFirst) / 2;
}

std::vector<Inferred> infer_embedding_norm(const NodeView& node) {
  const std::size_t pairs = node.inputs() < kFirst ? 0 : pairs_of(node.node);
  require(node.inputs() == kFirst + 2 * pairs && pairs >= 2 && pairs <= kMaxTables, "infer",
          "takes gain, bias and 2 to {} pairs of ids and table, got {} inputs", kMaxTables, node.inputs());
  node.attribute<double>("eps");
  const Type& ids = node.type(kFirst);
  for (std::size_t i = kFirst; i < node.inputs(); i += 2) {
    const Type& table = node.type(i + 1);
    require(ids.dtype == DType::kI32 && ids.shape.size() == 1 && node.type(i) == ids, "infer",
            "ids must be i32[n] and all alike, are {} and {}", ids.to_string(), node.type(i).to_string());
    require(table.shape.size() == 2 && table.shape[1] == node.type(kFirst + 1).shape[1], "infer",
            "tables must have 2 dimensions and one width, this is {}", table.to_string());
  }
  const Dim width = node.type(kFirst + 1).shape[1];
  require_vector(node, 0, width, "gain");
  if (node.has(1)) require_vector(node, 1, width, "bias");
  return {Type{DType::kF32, {ids.shape[0], width}}};
}

struct EmbeddingNormKernel {
  Place gain, bias, y;
  std::array<Place, kMaxTables> ids;
  std::array<std::int32_t, kMaxTables> tables{};
  std::size_t pairs = 0;
  Extent rows;
  std::int64_t width = 0;
  float eps = 0;

  // The sum of all but the last table grows in y, the last is the residual of the norm: as if each were added
  // on its own.
  void row(const ExecContext& context, std::int64_t row, float* scratch, float* out) const {
    const auto look_up = [&](std::size_t pair, float* target) {
      const auto* numbers = static_cast<const std::int32_t*>(ids[pair].resolve(context));
      kernels::embed_row(*context.weights[static_cast<std::size_t>(tables[pair])].weight, numbers[row],
                         target);
    };
    const kernels::RowKernels& table = context.table->rows;
    look_up(0, out);
    for (std::size_t pair = 1; pair + 1 < pairs; ++pair) {
      look_up(pair, scratch);
      table.add(out, scratch, out, width);
    }
    look_up(pairs - 1, scratch);
    table.layer_norm(out, scratch, gain.f32(context), bias.f32(context), eps, 1, width, nullptr, out);
  }

  static void run(const EmbeddingNormKernel& p, const ExecContext& context) noexcept {
    const std::int64_t rows = p.rows(context);
    float* y = p.y.f32_out(context);
    const auto part = [&](std::int64_t member, std::int64_t members) {
      float* scratch = reinterpret_cast<float*>(context.workspace) + member * scratch_floats(p.width);
      for (std::int64_t row = rows * member / members; row < rows * (member + 1) / members; ++row)
        p.row(context, row, scratch, y + row * p.width);
    };
    if (rows <= kSerialRows)
      part(0, 1);
    else
      context.pool->run([&](int member) { part(member, context.pool->size()); });
  }

  // A row for each member, on cache lines of its own.
  static std::int64_t scratch_floats(std::int64_t width) { return (width + 31) / 16 * 16; }
};

Kernel lower_embedding_norm(LowerContext& context) {
  const Node& node = context.node();
  const Type& type = context.graph().value(node.outputs[0]).type;
  EmbeddingNormKernel kernel{.gain = context.input(0),
                             .bias = context.input(1),
                             .y = context.output(0),
                             .pairs = pairs_of(node),
                             .rows = context.extent(row_count(type)),
                             .width = last_dim(type),
                             .eps = static_cast<float>(node.attributes.get<double>("eps"))};
  for (std::size_t pair = 0; pair < kernel.pairs; ++pair) {
    kernel.ids[pair] = context.input(kFirst + 2 * pair);
    kernel.tables[pair] = context.table_slot(kFirst + 2 * pair + 1);
  }
  const std::int64_t floats = context.threads() * EmbeddingNormKernel::scratch_floats(kernel.width);
  return make_kernel(kernel, static_cast<std::size_t>(floats) * sizeof(float));
}

std::vector<Value> decompose_embedding_norm(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  ValueId sum = kNoId;
  for (std::size_t i = kFirst; i < node.inputs.size(); i += 2) {
    const ValueId rows = graph.insert(id, kEmbedding, {node.inputs[i], node.inputs[i + 1]})[0].id;
    sum = sum == kNoId ? rows : graph.insert(id, kAdd, {sum, rows})[0].id;
  }
  return graph.insert(id, kLayerNorm, {sum, node.inputs[0], node.inputs[1]}, node.attributes);
}

// Reads as many rows of each table as it writes.
Cost embedding_norm_cost(const NodeView& node, const CostContext& step) {
  const double elements = element_count(node.graph.value(node.node.outputs[0]).type, step.value_of);
  const double pairs = static_cast<double>(pairs_of(node.node));
  Cost cost{.flops = (pairs + 6) * elements, .bytes = 4 * elements};
  for (std::size_t i = kFirst; i < node.inputs(); i += 2)
    cost.bytes += elements * matrix_bytes(node, i + 1, step) / element_count(node.type(i + 1), step.value_of);
  return cost;
}

}  // namespace

const OpSchema kEmbeddingNorm{.name = "embedding_norm",
                              .infer = infer_embedding_norm,
                              .decompose = decompose_embedding_norm,
                              .lower_cpu = lower_embedding_norm,
                              .cost = embedding_norm_cost};

}  // namespace swiftlet::ops
