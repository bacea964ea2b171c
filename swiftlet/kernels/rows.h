// Kernels over independent rows of f32: norms, activations, rope, softmax, pooling. D is the row length.
// Single-threaded functions; callers split the rows over the pool. x and y may be the same pointer unless
// noted. Reductions add in an order that depends on D and the instruction set alone.
#pragma once

#include <cstdint>

#include "swiftlet/kernels/linear.h"

namespace swiftlet::kernels {

struct RopeArgs {
  std::int64_t rows = 0;
  int heads = 0, head_dim = 0;
  int rotary_dim = 0;  // leading elements of a head that rotate; the others are copied
  bool interleaved =
      false;  // pairs (0,1),(2,3).. (llama2.c, GPT-J) instead of halves (i, i + rotary/2) (GPT-NeoX, HF)
  const std::int32_t* positions = nullptr;     // [rows]
  const float* inverse_frequencies = nullptr;  // [rotary_dim / 2], scaling of the rope type already applied
  float attention_factor = 1.0f;               // multiplies cos and sin (YaRN)
  const float* x = nullptr;                    // [rows, ldx], heads * head_dim used
  std::int64_t ldx = 0;
  float* y = nullptr;  // [rows, ldy]
  std::int64_t ldy = 0;
};

struct RowKernels {
  // y = (s - mean) / sqrt(var + eps) * gain + bias with s = x + residual. residual, bias and sum may be null;
  // sum (when given) receives s. Each [rows, D], dense. Two-pass variance, in f32 with wide partial sums.
  void (*layer_norm)(const float* x, const float* residual, const float* gain, const float* bias, float eps,
                     std::int64_t rows, std::int64_t d, float* sum, float* y) noexcept;
  // y = s / sqrt(mean(s^2) + eps) * (gain + gain_offset), s = x + residual (gain_offset is 1 for Gemma).
  void (*rms_norm)(const float* x, const float* residual, const float* gain, float gain_offset, float eps,
                   std::int64_t rows, std::int64_t d, float* sum, float* y) noexcept;
  void (*activate)(Activation activation, const float* x, float* y, std::int64_t n) noexcept;
  // y = activation(gate) * up (SwiGLU, GeGLU); row strides ld*, D columns.
  void (*gate)(Activation activation, const float* gate, std::int64_t ldg, const float* up, std::int64_t ldu,
               float* y, std::int64_t ldy, std::int64_t rows, std::int64_t d) noexcept;
  void (*add)(const float* a, const float* b, float* y, std::int64_t n) noexcept;
  void (*mul)(const float* a, const float* b, float* y, std::int64_t n) noexcept;
  void (*scale)(const float* a, float factor, float* y, std::int64_t n) noexcept;
  void (*rope)(const RopeArgs& args) noexcept;
  // Numerically stable; a row of only -inf gives zeros.
  void (*softmax)(const float* x, float* y, std::int64_t rows, std::int64_t d) noexcept;
  // y[d] = mean / max over rows; rows >= 1.
  void (*mean_rows)(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept;
  void (*max_rows)(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept;
  // y = x / max(|x|_2, 1e-12), as torch.nn.functional.normalize.
  void (*l2_normalize)(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept;
  // y = x within [-limit, limit]; a NaN stays.
  void (*clip)(const float* x, float limit, float* y, std::int64_t n) noexcept;
  // y += x * factor.
  void (*add_scaled)(const float* x, float factor, float* y, std::int64_t n) noexcept;
  // y[i] = the sum of weights[r] * rows[r * ld + i] over r < count, in this order, for i < n.
  void (*combine)(const float* weights, const float* rows, std::int64_t ld, std::int64_t count,
                  std::int64_t n, float* y) noexcept;
  // y = (1 + u) * g * sigmoid(alpha * g) with g = min(gate, limit) and u = up within [-limit, limit]: the
  // gate of gpt-oss.
  void (*clamped_gate)(const float* gate, const float* up, float alpha, float limit, float* y,
                       std::int64_t n) noexcept;
};

// Row `row` of a weight [N, K] in any layout and encoding, decoded to f32: embedding look-up. Portable.
void embed_row(const Weight& weight, std::int64_t row, float* y) noexcept;

}  // namespace swiftlet::kernels
