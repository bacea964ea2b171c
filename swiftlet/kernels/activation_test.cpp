// The vector activations of every table, through rows.activate and through the epilogue of linear(), against
// double precision.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/scalar/math.h"

namespace swiftlet::kernels {
namespace {

struct Bound {
  Activation activation;
  const char* name;
  double relative, absolute;
};
constexpr Bound kBounds[] = {
    {Activation::kRelu, "relu", 0, 0},
    {Activation::kGelu, "gelu", 2.5e-7, 2e-8},
    {Activation::kGeluTanh, "gelu_tanh", 2.5e-7, 4e-8},
    {Activation::kSilu, "silu", 2.5e-7, 1e-37},
    {Activation::kTanh, "tanh", 2.5e-7, 0},
    {Activation::kSigmoid, "sigmoid", 2.5e-7, 1e-37},
};

// In double precision, unrounded.
double reference(Activation activation, double x) {
  switch (activation) {
    case Activation::kGelu:
      return scalar::gelu(x);
    case Activation::kGeluTanh:
      return scalar::gelu_tanh(x);
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return scalar::sigmoid(x);
    default:
      return x < 0 ? 0 : x;
  }
}

// A fine grid, coarse magnitudes down to the subnormals and up to the largest.
std::vector<float> arguments() {
  std::vector<float> x{0.0f, -0.0f};
  for (int i = -40000; i <= 40000; ++i) x.push_back(static_cast<float>(i) * 0.001f + 1e-5f);
  for (float magnitude = 1e-42f; magnitude < 1e38f; magnitude *= 1.7f) {
    x.push_back(magnitude);
    x.push_back(-magnitude);
  }
  return x;
}

TEST(Activation, MatchesDoublePrecision) {
  const std::vector<float> x = arguments();
  std::vector<float> y(x.size());
  for (const KernelTable* table : available_tables())
    for (const Bound& bound : kBounds) {
      table->rows.activate(bound.activation, x.data(), y.data(), static_cast<std::int64_t>(x.size()));
      double worst = 0;
      std::string where;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = reference(bound.activation, x[i]);
        const double error = std::fabs(y[i] - expected);
        const double allowed = bound.relative * std::fabs(expected) + bound.absolute + 1e-44;
        if (!(error / allowed <= worst)) {
          worst = error / allowed;
          where = fmt::format("x = {}: expected {}, got {}", x[i], expected, y[i]);
        }
      }
      EXPECT_LE(worst, 1.0) << table->isa << " " << bound.name << " at " << where;
    }
}

TEST(Activation, NaNStays) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const KernelTable* table : available_tables())
    for (const Bound& bound : kBounds) {
      std::vector<float> x(19, 0.5f), y(19);
      x[3] = x[18] = nan;
      table->rows.activate(bound.activation, x.data(), y.data(), 19);
      for (std::size_t i = 0; i < 19; ++i)
        EXPECT_EQ(std::isnan(y[i]), i == 3 || i == 18) << table->isa << " " << bound.name << " " << i;
    }
}

TEST(Activation, InfinitySaturates) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const KernelTable* table : available_tables()) {
    float x[2] = {infinity, -infinity}, y[2];
    table->rows.activate(Activation::kTanh, x, y, 2);
    EXPECT_EQ(y[0], 1.0f) << table->isa;
    EXPECT_EQ(y[1], -1.0f) << table->isa;
    table->rows.activate(Activation::kSigmoid, x, y, 2);
    EXPECT_EQ(y[0], 1.0f) << table->isa;
    EXPECT_EQ(y[1], 0.0f) << table->isa;
    table->rows.activate(Activation::kRelu, x, y, 2);
    EXPECT_EQ(y[0], infinity) << table->isa;
    EXPECT_EQ(y[1], 0.0f) << table->isa;
  }
}

}  // namespace
}  // namespace swiftlet::kernels
