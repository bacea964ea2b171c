// One weight as the blocks of a GGUF file: the way back of gguf_weight.h.
//
//   f32 f16 bf16                     the same bytes, vectors in F32
//   int8, groups of 32n columns      Q8_0: the same values, each block with the scale of its group
//   int4, groups of 32n columns      Q4_0: the same values
//   int4 asymmetric, such groups     Q4_1: the same codes, code * d + m with m = -zero_point * d in f16
//   q4_k q5_k q6_k q5_0              Q4_K, Q5_K, Q6_K, Q5_0: bit for bit
//   int8, int4, one scale a row      the same codes, the scale rounded to f16
//   anything else                    F16
#pragma once

#include <functional>

#include "swiftlet/encoding/ggml_blocks.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

const GgmlType& gguf_type_of(const Weight& weight);
// Of two weights in one tensor: one of theirs, or another that keeps what both keep.
const GgmlType& gguf_type_of_both(const GgmlType& a, const GgmlType& b);
// Whether a weight of this encoding may lose something on its way.
bool gguf_rounds(const Weight& weight);

// Calls `write` with the bytes of each row of a matrix as `type`, or of a vector at once; row (element) i of
// the file is row order(i) of the weight. `added` goes to every value of vectors. Throws kInvalid for values
// that the type cannot hold.
void write_gguf_rows(const Weight& weight, const GgmlType& type,
                     const std::function<std::int64_t(std::int64_t)>& order, float added,
                     const std::function<void(std::span<const std::byte>)>& write);

}  // namespace swiftlet
