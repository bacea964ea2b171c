// disentangled_attention(q, k, v [tokens, H*D], position keys, position queries [B, H*D] or absent) ->
// [tokens, H*D]: the attention of DeBERTa, see kernels/disentangled.h. Both ways, within each sequence.
#pragma once

#include <vector>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

// Attributes: heads, scale, buckets (int list, odd: the row of the tables for each distance, ascending from
// the farthest token behind to the farthest ahead; they must not decrease).
extern const OpSchema kDisentangledAttention;

struct DisentangledSpec {
  std::int64_t heads = 0;
  double scale = 0;
  std::vector<std::int64_t> buckets;
};

Value disentangled_attention(Value q, Value k, Value v, Value position_keys, Value position_queries,
                             const DisentangledSpec& spec);

// The rows for distances of up to `most` - 1 tokens. Without buckets (0) a distance is its own, up to `span`
// - 1; with them those up to buckets / 2 are, and farther ones share in logarithmic steps up to `farthest`. A
// table has 2 * span rows.
std::vector<std::int64_t> deberta_buckets(std::int64_t most, std::int64_t buckets, std::int64_t farthest,
                                          std::int64_t span);

}  // namespace swiftlet::ops
