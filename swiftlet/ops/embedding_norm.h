// embedding_norm(gain, bias, ids0, table0, ids1, table1, ...) -> layer_norm(table0[ids0] + table1[ids1] +
// ...): the input of BERT and its kin, words, segments and places looked up, added and normalized row by row.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

constexpr std::size_t kMaxTables = 4;

extern const OpSchema kEmbeddingNorm;  // fused; attribute eps; 2 to kMaxTables pairs, bias may be absent

}  // namespace swiftlet::ops
