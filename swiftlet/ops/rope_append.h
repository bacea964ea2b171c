// rope_append(k, v, positions, state) -> state': rotary embedding of the step's keys on their way into the
// cache.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

extern const OpSchema kRopeAppend;  // fused; the attributes of rope and of cache_append together

}  // namespace swiftlet::ops
