#include "swiftlet/ops/registry.h"

#include "swiftlet/core/error.h"
#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/columns.h"
#include "swiftlet/ops/disentangled.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/embedding_norm.h"
#include "swiftlet/ops/experts.h"
#include "swiftlet/ops/gate.h"
#include "swiftlet/ops/gated_linear.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/pool.h"
#include "swiftlet/ops/relative_bias.h"
#include "swiftlet/ops/reshape.h"
#include "swiftlet/ops/rope.h"
#include "swiftlet/ops/rope_append.h"
#include "swiftlet/ops/row_function.h"
#include "swiftlet/ops/stack.h"
#include "swiftlet/ops/unfold.h"

namespace swiftlet::ops {

std::span<const OpSchema* const> all_ops() {
  static constexpr const OpSchema* kOps[] = {
      &kEmbedding,
      &kLinear,
      &kLinearMerged,
      &kAdd,
      &kMul,
      &kScale,
      &kClip,
      &kActivation,
      &kLayerNorm,
      &kRmsNorm,
      &kAddLayerNorm,
      &kAddRmsNorm,
      &kRope,
      &kAttention,
      &kCacheAppend,
      &kAttentionPaged,
      &kPool,
      &kSelectRows,
      &kSoftmax,
      &kL2Normalize,
      &kReshape,
      &kShapeOf,
      &kGate,
      &kGatedLinear,
      &kEmbeddingNorm,
      &kRopeAppend,
      &kColumns,
      &kUnfold,
      &kShift,
      &kStack,
      &kT5RelativeBias,
      &kRoute,
      &kExperts,
      &kDisentangledAttention,
  };
  return kOps;
}

const OpSchema& find_op(std::string_view name) {
  for (const OpSchema* op : all_ops())
    if (op->name == name) return *op;
  fail(ErrorCode::kUnsupported, "ops", "there is no op named '{}'", name);
}

}  // namespace swiftlet::ops
