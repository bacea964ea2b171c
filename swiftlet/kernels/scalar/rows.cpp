// Row kernels by their formulas, in double: the definition. D is the row length.
#include <cmath>
#include <cstring>
#include <limits>

#include "swiftlet/kernels/scalar/scalar.h"

namespace swiftlet::kernels {
namespace {

constexpr double kInvSqrt2 = 0.70710678118654752440;
constexpr double kSqrt2OverPi = 0.79788456080286535588;

double activation_of(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kGelu:
      return 0.5 * x * std::erfc(-x * kInvSqrt2);
    case Activation::kGeluTanh:
      // x / 2 * (1 + tanh(u)), without the cancellation of its left tail.
      return x / (1 + std::exp(-2 * kSqrt2OverPi * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return x;
}

// s = x + residual rounded to f32, as the fused sum is stored.
float summed(const float* x, const float* residual, std::int64_t i) {
  return residual ? x[i] + residual[i] : x[i];
}

void layer_norm(const float* x, const float* residual, const float* gain, const float* bias, float eps,
                std::int64_t rows, std::int64_t d, float* sum, float* y) noexcept {
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * d;
    double total = 0, squares = 0;
    for (std::int64_t i = 0; i < d; ++i) total += summed(x, residual, at + i);
    const double mean = total / static_cast<double>(d);
    for (std::int64_t i = 0; i < d; ++i) {
      const double centred = summed(x, residual, at + i) - mean;
      squares += centred * centred;
    }
    const double factor = 1 / std::sqrt(squares / static_cast<double>(d) + eps);
    for (std::int64_t i = 0; i < d; ++i) {
      const float s = summed(x, residual, at + i);
      if (sum) sum[at + i] = s;
      y[at + i] = static_cast<float>((s - mean) * factor * gain[i] + (bias ? bias[i] : 0.0f));
    }
  }
}

void rms_norm(const float* x, const float* residual, const float* gain, float gain_offset, float eps,
              std::int64_t rows, std::int64_t d, float* sum, float* y) noexcept {
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * d;
    double squares = 0;
    for (std::int64_t i = 0; i < d; ++i) {
      const double s = summed(x, residual, at + i);
      squares += s * s;
    }
    const double factor = 1 / std::sqrt(squares / static_cast<double>(d) + eps);
    for (std::int64_t i = 0; i < d; ++i) {
      const float s = summed(x, residual, at + i);
      if (sum) sum[at + i] = s;
      y[at + i] = static_cast<float>(s * factor * (gain[i] + gain_offset));
    }
  }
}

void activate(Activation activation, const float* x, float* y, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(activation_of(activation, x[i]));
}

void gate(Activation activation, const float* gates, std::int64_t ldg, const float* up, std::int64_t ldu,
          float* y, std::int64_t ldy, std::int64_t rows, std::int64_t d) noexcept {
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t i = 0; i < d; ++i)
      y[row * ldy + i] =
          static_cast<float>(activation_of(activation, gates[row * ldg + i]) * up[row * ldu + i]);
}

void add(const float* a, const float* b, float* y, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

void mul(const float* a, const float* b, float* y, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

void scale(const float* a, float factor, float* y, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] * factor;
}

// Rotates pair `i` of every head of one row by the same angle.
void rotate_pair(const RopeArgs& args, const float* x, float* y, int i, float cosine, float sine) {
  const int half = args.rotary_dim / 2;
  const int first = args.interleaved ? 2 * i : i;
  const int second = args.interleaved ? 2 * i + 1 : i + half;
  for (int head = 0; head < args.heads; ++head) {
    const std::int64_t at = static_cast<std::int64_t>(head) * args.head_dim;
    const float a = x[at + first], b = x[at + second];
    y[at + first] = a * cosine - b * sine;
    y[at + second] = b * cosine + a * sine;
  }
}

void rope(const RopeArgs& args) noexcept {
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.ldx;
    float* y = args.y + row * args.ldy;
    for (int i = 0; i < args.rotary_dim / 2; ++i) {
      // The angle is an f32 product, as in the reference implementations; only its sine is exact.
      const float angle = static_cast<float>(args.positions[row]) * args.inverse_frequencies[i];
      rotate_pair(args, x, y, i,
                  static_cast<float>(std::cos(static_cast<double>(angle))) * args.attention_factor,
                  static_cast<float>(std::sin(static_cast<double>(angle))) * args.attention_factor);
    }
    if (x == y) continue;
    for (int head = 0; head < args.heads; ++head)
      for (int i = args.rotary_dim; i < args.head_dim; ++i)
        y[head * args.head_dim + i] = x[head * args.head_dim + i];
  }
}

void softmax(const float* x, float* y, std::int64_t rows, std::int64_t d) noexcept {
  for (std::int64_t row = 0; row < rows; ++row, x += d, y += d) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < d; ++i) largest = x[i] > largest ? x[i] : largest;
    if (largest == -std::numeric_limits<double>::infinity()) largest = 0;
    double total = 0;
    for (std::int64_t i = 0; i < d; ++i) total += std::exp(x[i] - largest);
    const double factor = total == 0 ? 0 : 1 / total;
    for (std::int64_t i = 0; i < d; ++i) y[i] = static_cast<float>(std::exp(x[i] - largest) * factor);
  }
}

void mean_rows(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept {
  for (std::int64_t i = 0; i < d; ++i) {
    double total = 0;
    for (std::int64_t row = 0; row < rows; ++row) total += x[row * d + i];
    y[i] = static_cast<float>(total / static_cast<double>(rows));
  }
}

// A NaN anywhere in the column wins, as in torch.
void max_rows(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept {
  for (std::int64_t i = 0; i < d; ++i) {
    float largest = x[i];
    for (std::int64_t row = 1; row < rows; ++row) {
      const float value = x[row * d + i];
      if (value > largest || value != value) largest = value;
    }
    y[i] = largest;
  }
}

void l2_normalize(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept {
  for (std::int64_t row = 0; row < rows; ++row, x += d, y += d) {
    double squares = 0;
    for (std::int64_t i = 0; i < d; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double norm = std::sqrt(squares);
    const double divisor = norm < 1e-12 ? 1e-12 : norm;  // a NaN stays
    for (std::int64_t i = 0; i < d; ++i) y[i] = static_cast<float>(x[i] / divisor);
  }
}

void add_scaled(const float* x, float factor, float* y, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(y[i] + static_cast<double>(x[i]) * factor);
}

void combine(const float* weights, const float* rows, std::int64_t ld, std::int64_t count, std::int64_t n,
             float* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t r = 0; r < count; ++r) sum += static_cast<double>(rows[r * ld + i]) * weights[r];
    y[i] = static_cast<float>(sum);
  }
}

void clip(const float* x, float limit, float* y, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

void clamped_gate(const float* gates, const float* up, float alpha, float limit, float* y,
                  std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {
    const double g = gates[i] > limit ? limit : gates[i];
    const double u = up[i] > limit ? limit : up[i] < -limit ? -limit : up[i];
    y[i] = static_cast<float>((1 + u) * g * activation_of(Activation::kSigmoid, alpha * g));
  }
}

}  // namespace

RowKernels scalar_row_kernels() {
  return {layer_norm, rms_norm,  activate, gate,         add,  mul,        scale,   rope,
          softmax,    mean_rows, max_rows, l2_normalize, clip, add_scaled, combine, clamped_gate};
}

}  // namespace swiftlet::kernels
