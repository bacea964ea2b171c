// t5_relative_bias(table [buckets, H]) -> [H, 2 * extent - 1]: what attention adds to the scores by key -
// query, from a table of buckets (Raffel et al., T5, 2020; both directions): each distance on its own when
// near, logarithmic when far.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

constexpr std::int64_t kT5Buckets = 32, kT5Distance = 128;  // from there on all distances share a bucket

extern const OpSchema kT5RelativeBias;

Value t5_relative_bias(Value table);
// The bucket of key - query.
std::int64_t t5_bucket(std::int64_t distance);

}  // namespace swiftlet::ops
