// One tensor of a GGUF file as a Weight: floats as they lie in the file, blocks in the integer encodings.
//
//   F32 F16 BF16               as they are, from the mapping
//   Q4_0 TQ1_0 TQ2_0           int4-g32, the same values: code * scale with the scale of the block
//   Q4_K Q5_K Q6_K Q5_0        q4_k, q5_k, q6_k, q5_0: bit for bit, in panels
//   Q8_0 IQ4_NL MXFP4          int8-g32, the same values
//   IQ4_XS                     int8-g32, the same codes, their scales rounded to f16
//   Q4_1 Q5_1 Q2_K Q3_K        int8-g32, rounded to the nearest of 255 steps of 32 values: at 8.5 bits a
//   weight
//                              far finer than what these types keep
//
// Blocks that break the rule of their type (the code -128, a scale beyond f16) are rounded like the last row.
#pragma once

#include <string>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/io/gguf.h"
#include "swiftlet/io/gguf_row_order.h"

namespace swiftlet {

// What a tensor becomes, without its bytes. Matrices of blocks become codes; vectors and tensors of higher
// rank are decoded to f32.
struct GgufWeightPlan {
  Shape shape;
  Encoding encoding;
  Layout layout = Layout::kRows;
  bool copies = false;      // is made anew, not a window of the file
  bool rounds = false;      // loses something
  std::uint64_t bytes = 0;  // as a Weight
};

struct GgufWeightOptions {
  GgufRowOrder order;
  std::int64_t rows_in_front = 0;  // of zeros, before the rows of a matrix
  float added = 0;                 // to every value, of float vectors only
  ThreadPool* pool = nullptr;      // to share the work
};

GgufWeightPlan plan_gguf_weight(const GgufTensor& tensor, const GgufWeightOptions& options = {});

// Throws kInvalid when a scale is not finite, naming the tensor, and kIo when the file was cut short. Gives
// the pages of copied tensors back.
Weight make_gguf_weight(const GgufFile& file, const GgufTensor& tensor, std::string name,
                        const GgufWeightOptions& options = {});

}  // namespace swiftlet
