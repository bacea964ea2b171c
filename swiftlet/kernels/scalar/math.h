// Activations, the definition: evaluated in double precision, rounded once.
#pragma once

#include <cmath>

#include "swiftlet/kernels/linear.h"

namespace swiftlet::kernels {
namespace scalar {

inline double gelu(double x) {
  return 0.5 * x * std::erfc(-x * 0.70710678118654752440);
}
// Hendrycks & Gimpel 2016: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), as a logistic function.
inline double gelu_tanh(double x) {
  const double z = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
  return x / (1.0 + std::exp(-2.0 * z));
}
inline double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

inline float activate(Activation activation, float x) {
  const double wide = x;
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0.0f : x;  // NaN stays NaN
    case Activation::kGelu:
      return static_cast<float>(gelu(wide));
    case Activation::kGeluTanh:
      return static_cast<float>(gelu_tanh(wide));
    case Activation::kSilu:
      return static_cast<float>(wide / (1.0 + std::exp(-wide)));
    case Activation::kTanh:
      return static_cast<float>(std::tanh(wide));
    case Activation::kSigmoid:
      return static_cast<float>(sigmoid(wide));
  }
  return x;
}

}  // namespace scalar
}  // namespace swiftlet::kernels
