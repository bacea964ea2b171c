// Scales and zero points of the groups of a matrix, before any code is chosen.
#pragma once

#include <vector>

#include "swiftlet/compress/calibrate/second_moments.h"
#include "swiftlet/encoding/integer.h"

namespace swiftlet {

// Whether an encoding is one of int8 and int4: blocks bring scales of their own.
inline bool has_group_scales(const Encoding& encoding) {
  return encoding.is_integer() && !encoding.has_blocks();
}

// Of a matrix [N, K] in an encoding of int8 or int4: those of row r and group i at r * groups + i. All
// functions use all threads of the pool; results do not depend on how many there are.
using GroupScales = std::vector<GroupScale>;

// Those of round to nearest: choose_scale(). Throws as encode() does.
GroupScales usual_scales(const Weight& weight, const Encoding& encoding, ThreadPool& pool);

// Of multiples of the usual scale from 0.6 to 1.1 the one under which the nearest codes lose least: a finer
// scale clips the extremes of its group and is nearer to all others. What a group loses is e H eᵀ, H the
// second moments of its columns: the squared error of its part of the output, as the clipping of AWQ (Lin et
// al. 2023) measures it on a sample. Without moments it is e eᵀ. Throws as encode() does.
GroupScales clipped_scales(Dense& dense, const Weight& weight, const Encoding& encoding,
                           const SecondMoments* moments);

// The nearest codes under given scales.
Weight round_with_scales(const Weight& weight, const Encoding& encoding, const GroupScales& scales,
                         ThreadPool& pool);

}  // namespace swiftlet
