// Checkpoints that other tools have quantized: their packed tensors become weights of our integer encodings.
//
//   GPTQ                   2, 4, 8 bits, groups along K, zero points       same values; with act-order
//   rounded AWQ                    4 bits, groups along K, zero points             same values
//   compressed-tensors     pack-quantized 4 and 8 bits, int-quantized      same values
//   bitsandbytes           8 bits a row                                    same values
//                          nf4, fp4                                        rounded to int8-g32
//   fp8, fbgemm_fp8,       e4m3, e5m2, with scales of any block            rounded to bf16
//   modelopt, compressed-tensors
//
// The same values: codes and zero points are kept, scales too where f16 holds them (it does those of GPTQ and
// AWQ). Groups for which this cannot be are rounded and counted in a warning. What is rounded to int8-g32 is
// off by at most 1/254 of the largest of 32 values.
//
// Layouts: the published code of AutoGPTQ (qlinear), AutoAWQ (gemm), compressed-tensors (pack_quantized) and
// bitsandbytes (functional).
#pragma once

#include <memory>
#include <string>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/integer.h"
#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// A matrix [n, k] that another tool has quantized. Rows may be read by several threads.
class QuantizedMatrix {
 public:
  virtual ~QuantizedMatrix() = default;

  std::string name;   // of the weight
  std::string where;  // "model.safetensors: tensor 'x'"
  std::int64_t n = 0, k = 0;
  // Codes of `bits` bits in groups of `group` columns; 0 bits: values that have no such form, and what they
  // are rounded to.
  int bits = 0;
  std::int64_t group = 0;
  bool asymmetric = false;
  Encoding values_as = {.format = Format::kInt8, .group = 32};

  std::int64_t groups() const { return (k + group - 1) / group; }
  // With bits: k unsigned codes, and scale and zero point of every group.
  virtual void read_codes(std::int64_t row, std::uint8_t* codes, GroupScale* scales) const;
  // Without: k values.
  virtual void read_values(std::int64_t row, float* values) const;
};

// The encoding that such a matrix gets.
Encoding encoding_of(const QuantizedMatrix& matrix);
// `pool` may be null.
Weight make_weight(const QuantizedMatrix& matrix, ThreadPool* pool);

// Puts the weights together that the config's quantization_config tells of, and takes the key out of the
// config. `stream` as in CheckpointOptions. Throws kUnsupported for other methods, listing those that are
// known; kInvalid for tensors that do not fit together.
void join_quantized(Checkpoint& checkpoint, bool stream);

}  // namespace swiftlet
