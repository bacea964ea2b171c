// Every available table of row kernels against plain double precision.
#include "swiftlet/kernels/rows.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "swiftlet/kernels/test_values.h"

namespace swiftlet::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kUlp = 0x1p-23;
const std::vector<std::int64_t> kSizes = {1,  2,  3,  7,  8,  9,   15,  16,  17,
                                          31, 32, 33, 48, 63, 100, 384, 515, 1000};
constexpr Activation kActivations[] = {Activation::kNone,     Activation::kRelu, Activation::kGelu,
                                       Activation::kGeluTanh, Activation::kSilu, Activation::kTanh,
                                       Activation::kSigmoid};

double activation_in_double(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x > 0 || std::isnan(x) ? x : 0;
    case Activation::kGelu:
      return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case Activation::kGeluTanh:
      // The same as x / 2 * (1 + tanh(u)), without its cancellation.
      return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return 0;
}

// What both norms do with one row, in double: (s - mean) / sqrt(mean square + eps).
std::vector<double> normalized(const std::vector<float>& s, std::int64_t d, bool centre, double eps) {
  std::vector<double> y(s.begin(), s.end());
  for (std::size_t row = 0; row < y.size(); row += static_cast<std::size_t>(d)) {
    double mean = 0, square = 0;
    for (std::int64_t i = 0; i < d && centre; ++i) mean += y[row + static_cast<std::size_t>(i)] / double(d);
    for (std::int64_t i = 0; i < d; ++i) square += std::pow(y[row + static_cast<std::size_t>(i)] - mean, 2);
    for (std::int64_t i = 0; i < d; ++i) {
      double& value = y[row + static_cast<std::size_t>(i)];
      value = (value - mean) / std::sqrt(square / double(d) + eps);
    }
  }
  return y;
}

std::vector<float> plus(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> sum(a);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}

class RowsTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const RowKernels& rows() const { return GetParam()->rows; }
};

TEST_P(RowsTest, LayerNorm) {
  constexpr std::int64_t kRows = 3;
  for (const std::int64_t d : kSizes)
    for (const bool with_residual : {false, true}) {
      SCOPED_TRACE(testing::Message() << "D " << d << " residual " << with_residual);
      Guarded x(random_values(kRows * d, 1, 3)), residual(random_values(kRows * d, 2)),
          gain(random_values(d, 3)), bias(random_values(d, 4)), y(kRows * d), sum(kRows * d);
      for (std::int64_t i = 0; i < d; ++i) x[i] += 100;  // a mean that a one-pass variance would not stand
      const std::vector<float> s = with_residual ? plus(x.values(), residual.values()) : x.values();
      rows().layer_norm(x.data(), with_residual ? residual.data() : nullptr, gain.data(), bias.data(), 1e-5f,
                        kRows, d, sum.data(), y.data());
      std::vector<double> expected = normalized(s, d, true, 1e-5);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto column = static_cast<std::int64_t>(i) % d;
        expected[i] = expected[i] * gain[column] + bias[column];
      }
      // The mean of a row around 100 is known to half an ulp of 100, and the deviations are about 2.
      const double bound = d == 1 ? 3e-3 : 2e-5;
      EXPECT_TRUE(
          near(y.values(), expected, [&](std::size_t i) { return i < std::size_t(d) ? bound : 3e-6; }));
      EXPECT_TRUE(same_bits(sum.values(), s));
      EXPECT_TRUE(y.intact() && sum.intact());
      // In place, without sum and bias.
      rows().layer_norm(x.data(), nullptr, gain.data(), nullptr, 1e-5f, kRows, d, nullptr, x.data());
      EXPECT_TRUE(x.intact());
    }
}

TEST_P(RowsTest, RmsNorm) {
  constexpr std::int64_t kRows = 3;
  for (const std::int64_t d : kSizes)
    for (const float offset : {0.0f, 1.0f}) {
      SCOPED_TRACE(testing::Message() << "D " << d << " offset " << offset);
      Guarded x(random_values(kRows * d, 5, 3)), residual(random_values(kRows * d, 6)),
          gain(random_values(d, 7)), y(kRows * d), sum(kRows * d);
      const std::vector<float> s = plus(x.values(), residual.values());
      rows().rms_norm(x.data(), residual.data(), gain.data(), offset, 1e-6f, kRows, d, sum.data(), y.data());
      std::vector<double> expected = normalized(s, d, false, 1e-6);
      for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] *= static_cast<double>(gain[static_cast<std::int64_t>(i) % d]) + offset;
      EXPECT_TRUE(near(y.values(), expected,
                       [&](std::size_t i) { return 8 * kUlp * (std::abs(expected[i]) + 0x1p-10); }));
      EXPECT_TRUE(same_bits(sum.values(), s));
      EXPECT_TRUE(y.intact() && sum.intact());
      rows().rms_norm(x.data(), nullptr, gain.data(), offset, 1e-6f, kRows, d, nullptr, x.data());
      EXPECT_TRUE(x.intact());
    }
}

TEST_P(RowsTest, ANanSpoilsItsOwnRowOnly) {
  constexpr std::int64_t kD = 37;
  const std::vector<float> gain(kD, 1.0f);
  for (const float poison : {kNan, kInf}) {
    std::vector<float> x = random_values(2 * kD, 8), y(x.size());
    x[5] = poison;
    const auto check = [&](const char* name, bool all_of_row) {
      for (std::size_t i = 0; i < kD; ++i)
        EXPECT_TRUE(std::isnan(y[i]) || !(all_of_row || i == 5)) << name << " " << i;
      for (std::size_t i = kD; i < 2 * kD; ++i) EXPECT_TRUE(std::isfinite(y[i])) << name << " " << i;
    };
    rows().layer_norm(x.data(), nullptr, gain.data(), nullptr, 1e-5f, 2, kD, nullptr, y.data());
    check("layer_norm", true);
    rows().rms_norm(x.data(), nullptr, gain.data(), 0, 1e-5f, 2, kD, nullptr, y.data());
    check("rms_norm", std::isnan(poison));  // infinity: x / inf = 0 beside one NaN
    rows().softmax(x.data(), y.data(), 2, kD);
    check("softmax", std::isnan(poison));
    rows().l2_normalize(x.data(), 2, kD, y.data());
    check("l2_normalize", std::isnan(poison));
  }
}

TEST_P(RowsTest, Activations) {
  std::vector<float> inputs;
  for (double x = -30; x <= 30; x += 0.0037) inputs.push_back(static_cast<float>(x));
  for (double x = 1e-30; x < 1; x *= 3)
    inputs.push_back(static_cast<float>(x)), inputs.push_back(static_cast<float>(-x));
  for (const float x : {0.0f, -0.0f, 100.0f, -100.0f, 1e20f, -1e20f, 3e38f, -3e38f, kInf, kNan})
    inputs.push_back(x);
  for (const Activation activation : kActivations) {
    SCOPED_TRACE(static_cast<int>(activation));
    Guarded x(inputs), y(static_cast<std::int64_t>(inputs.size()));
    rows().activate(activation, x.data(), y.data(), static_cast<std::int64_t>(inputs.size()));
    std::vector<double> expected;
    for (const float input : inputs) expected.push_back(activation_in_double(activation, input));
    // tanh-GELU rounds the argument of an exponential, so its tail is known to |argument| ulps.
    const double relative = activation == Activation::kGeluTanh ? 1e-5 : 1e-6;
    // Vector GELU subtracts a table's tail probability, which is cut off at six standard deviations.
    const double absolute = activation == Activation::kGelu ? 2e-8 : 1e-37;
    EXPECT_TRUE(near(y.values(), expected,
                     [&](std::size_t i) { return relative * std::abs(expected[i]) + absolute; }));
    EXPECT_TRUE(y.intact());
  }
}

TEST_P(RowsTest, ActivationsOfMinusInfinityAndTails) {
  for (const Activation activation : {Activation::kRelu, Activation::kTanh, Activation::kSigmoid}) {
    for (const std::int64_t n : kSizes) {
      Guarded x(n, -kInf), y(n, 7.0f);
      rows().activate(activation, x.data(), y.data(), n);
      for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(y[i], activation == Activation::kTanh ? -1.0f : 0.0f);
      EXPECT_TRUE(y.intact());
    }
  }
}

TEST_P(RowsTest, Gate) {
  for (const std::int64_t d : kSizes)
    for (const Activation activation : kActivations) {
      constexpr std::int64_t kRows = 2;
      const std::int64_t ldg = d + 3, ldu = d + 1, ldy = d + 2;
      Guarded g(random_values(kRows * ldg, 9, 4)), up(random_values(kRows * ldu, 10)), y(kRows * ldy, 7.0f);
      rows().gate(activation, g.data(), ldg, up.data(), ldu, y.data(), ldy, kRows, d);
      std::vector<double> expected(static_cast<std::size_t>(kRows * ldy), 7.0);
      for (std::int64_t row = 0; row < kRows; ++row)
        for (std::int64_t i = 0; i < d; ++i)
          expected[static_cast<std::size_t>(row * ldy + i)] =
              activation_in_double(activation, g[row * ldg + i]) * up[row * ldu + i];
      EXPECT_TRUE(
          near(y.values(), expected, [&](std::size_t i) { return 4e-6 * std::abs(expected[i]) + 1e-30; }))
          << "D " << d << " activation " << static_cast<int>(activation);
      EXPECT_TRUE(y.intact());
    }
}

TEST_P(RowsTest, AddMulScale) {
  for (const std::int64_t n : kSizes) {
    Guarded a(random_values(n, 11)), b(random_values(n, 12)), y(n);
    a[0] = kNan;
    const auto expect = [&](const std::function<float(float, float)>& f) {
      for (std::int64_t i = 0; i < n; ++i) {
        const float e = f(a[i], b[i]);
        EXPECT_TRUE(y[i] == e || (std::isnan(e) && std::isnan(y[i]))) << i;
      }
      EXPECT_TRUE(y.intact());
    };
    rows().add(a.data(), b.data(), y.data(), n);
    expect([](float p, float q) { return p + q; });
    rows().mul(a.data(), b.data(), y.data(), n);
    expect([](float p, float q) { return p * q; });
    rows().scale(a.data(), 1.7f, y.data(), n);
    expect([](float p, float) { return p * 1.7f; });
    rows().add(a.data(), b.data(), a.data(), n);  // in place
    EXPECT_TRUE(a.intact());
  }
}

struct RopeCase {
  int heads, head_dim, rotary_dim;
  bool interleaved;
};

TEST_P(RowsTest, Rope) {
  const std::vector<std::int32_t> positions = {0, 1, 77, 4095, 131071, 1000003, 5};
  const auto count = static_cast<std::int64_t>(positions.size());
  for (const bool interleaved : {false, true})
    for (const auto [heads, head_dim, rotary] : {std::array{2, 64, 64},
                                                 {3, 32, 32},
                                                 {1, 80, 32},
                                                 {2, 48, 48},
                                                 {5, 6, 4},
                                                 {1, 128, 128},
                                                 {2, 96, 34}}) {
      SCOPED_TRACE(testing::Message()
                   << heads << "x" << head_dim << " rotary " << rotary << " " << interleaved);
      std::vector<float> frequencies;
      for (int i = 0; i < rotary / 2; ++i)
        frequencies.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / rotary)));
      const std::int64_t ld = heads * head_dim + 5;
      Guarded x(random_values(count * ld, 13)), y(count * ld);
      RopeArgs args{.rows = count,
                    .heads = heads,
                    .head_dim = head_dim,
                    .rotary_dim = rotary,
                    .interleaved = interleaved,
                    .positions = positions.data(),
                    .inverse_frequencies = frequencies.data(),
                    .attention_factor = 1.25f,
                    .x = x.data(),
                    .ldx = ld,
                    .y = y.data(),
                    .ldy = ld};
      std::vector<double> expected(static_cast<std::size_t>(count * ld));
      for (std::int64_t row = 0; row < count; ++row)
        for (int h = 0; h < heads; ++h) {
          const std::int64_t at = row * ld + h * head_dim;
          for (int i = 0; i < head_dim; ++i) expected[static_cast<std::size_t>(at + i)] = x[at + i];
          for (int i = 0; i < rotary / 2; ++i) {
            const float angle = static_cast<float>(positions[static_cast<std::size_t>(row)]) *
                                frequencies[static_cast<std::size_t>(i)];
            const std::int64_t a = at + (interleaved ? 2 * i : i),
                               b = at + (interleaved ? 2 * i + 1 : i + rotary / 2);
            const double c = 1.25 * std::cos(double{angle}), s = 1.25 * std::sin(double{angle});
            expected[static_cast<std::size_t>(a)] = x[a] * c - x[b] * s;
            expected[static_cast<std::size_t>(b)] = x[b] * c + x[a] * s;
          }
        }
      rows().rope(args);
      for (std::int64_t row = 0; row < count; ++row)  // the columns beside the heads are not touched
        for (std::int64_t i = heads * head_dim; i < ld; ++i) EXPECT_EQ(y[row * ld + i], 0.0f);
      EXPECT_TRUE(near(y.values(), expected, [](std::size_t) { return 6e-7; }));
      EXPECT_TRUE(y.intact());
      const std::vector<float> apart = y.values();
      args.y = x.data();
      rows().rope(args);
      for (std::int64_t row = 0; row < count; ++row)
        EXPECT_EQ(std::memcmp(&x[row * ld], &apart[static_cast<std::size_t>(row * ld)],
                              static_cast<std::size_t>(heads * head_dim) * 4),
                  0);
    }
}

TEST_P(RowsTest, Softmax) {
  for (const std::int64_t d : kSizes)
    for (const double range : {1.0, 50.0, 1e4}) {
      Guarded x(random_values(2 * d, 14, range)), y(2 * d);
      if (d > 3) x[2] = -kInf;
      std::vector<double> expected;
      for (std::int64_t row = 0; row < 2; ++row) {
        double largest = -HUGE_VAL, total = 0;
        for (std::int64_t i = 0; i < d; ++i) largest = std::max<double>(largest, x[row * d + i]);
        for (std::int64_t i = 0; i < d; ++i) total += std::exp(x[row * d + i] - largest);
        for (std::int64_t i = 0; i < d; ++i) expected.push_back(std::exp(x[row * d + i] - largest) / total);
      }
      rows().softmax(x.data(), y.data(), 2, d);
      EXPECT_TRUE(near(y.values(), expected,
                       [&](std::size_t i) {
                         // x - max rounds once: half an ulp of the difference is a relative error of the
                         // exponential.
                         return (1e-6 + range * 2 * 0x1p-24) * expected[i] + 1e-37;
                       }))
          << "D " << d << " range " << range;
      EXPECT_TRUE(y.intact());
    }
  Guarded x(20, -kInf), y(20, 3.0f);
  rows().softmax(x.data(), y.data(), 1, 20);
  EXPECT_EQ(y.values(), std::vector<float>(20, 0.0f));
}

TEST_P(RowsTest, Pooling) {
  for (const std::int64_t d : kSizes)
    for (const std::int64_t count : {1, 2, 5, 60}) {
      Guarded x(random_values(count * d, 15)), mean(d), largest(d);
      if (d > 2) x[(count - 1) * d + 1] = kNan;
      std::vector<double> expected_mean, expected_max;
      for (std::int64_t i = 0; i < d; ++i) {
        double total = 0, top = -HUGE_VAL;
        for (std::int64_t row = 0; row < count; ++row) {
          total += x[row * d + i];
          top = std::isnan(x[row * d + i]) ? NAN : std::max<double>(top, x[row * d + i]);
        }
        expected_mean.push_back(total / double(count));
        expected_max.push_back(top);
      }
      rows().mean_rows(x.data(), count, d, mean.data());
      rows().max_rows(x.data(), count, d, largest.data());
      EXPECT_TRUE(near(mean.values(), expected_mean, [](std::size_t) { return 4e-7; }));
      EXPECT_TRUE(near(largest.values(), expected_max, [](std::size_t) { return 1e-30; }));
      EXPECT_TRUE(mean.intact() && largest.intact());
    }
}

TEST_P(RowsTest, L2Normalize) {
  for (const std::int64_t d : kSizes) {
    Guarded x(random_values(2 * d, 16)), y(2 * d);
    for (std::int64_t i = 0; i < d; ++i) x[i] = 0;  // a zero row stays zero
    double squares = 0;
    for (std::int64_t i = d; i < 2 * d; ++i) squares += double{x[i]} * x[i];
    std::vector<double> expected;
    for (std::int64_t i = 0; i < 2 * d; ++i) expected.push_back(x[i] / std::max(std::sqrt(squares), 1e-12));
    rows().l2_normalize(x.data(), 2, d, y.data());
    EXPECT_TRUE(
        near(y.values(), expected, [&](std::size_t i) { return 1e-6 * std::abs(expected[i]) + 1e-30; }));
    EXPECT_TRUE(y.intact());
    rows().l2_normalize(x.data(), 2, d, x.data());
    EXPECT_TRUE(same_bits(x.values(), y.values()) && x.intact());
  }
}

TEST_P(RowsTest, AddScaled) {
  for (const std::int64_t d : kSizes) {
    Guarded x(random_values(d, 33, 3)), y(random_values(d, 34));
    std::vector<double> expected;
    for (std::int64_t i = 0; i < d; ++i) expected.push_back(y[i] + 0.3f * double{x[i]});
    rows().add_scaled(x.data(), 0.3f, y.data(), d);
    EXPECT_TRUE(near(y.values(), expected, [](std::size_t) { return 2 * kUlp; }));
    EXPECT_TRUE(y.intact());
  }
}

TEST_P(RowsTest, Combine) {
  constexpr std::int64_t kCount = 7;
  for (const std::int64_t d : kSizes) {
    const std::int64_t ld = d + 3;
    Guarded weights(random_values(kCount, 38)), x(random_values(kCount * ld, 39)), y(d);
    std::vector<double> expected(static_cast<std::size_t>(d)), size(expected.size());
    for (std::int64_t r = 0; r < kCount; ++r)
      for (std::int64_t i = 0; i < d; ++i) {
        const double product = double{weights[r]} * x[r * ld + i];
        expected[static_cast<std::size_t>(i)] += product;
        size[static_cast<std::size_t>(i)] += std::abs(product);
      }
    rows().combine(weights.data(), x.data(), ld, kCount, d, y.data());
    EXPECT_TRUE(near(y.values(), expected, [&](std::size_t i) { return kCount * kUlp * size[i]; }));
    EXPECT_TRUE(y.intact());
    rows().combine(weights.data(), x.data(), ld, 0, d, y.data());
    for (std::int64_t i = 0; i < d; ++i) EXPECT_EQ(y[i], 0) << i;
  }
}

TEST_P(RowsTest, Clip) {
  constexpr float kLimit = 0.75f;
  for (const std::int64_t d : kSizes) {
    Guarded x(random_values(d, 37, 2)), y(d);
    if (d > 8) x[3] = kNan, x[4] = kInf, x[5] = -kInf, x[6] = kLimit, x[7] = -kLimit;
    rows().clip(x.data(), kLimit, y.data(), d);
    for (std::int64_t i = 0; i < d; ++i) {
      const float expected = std::isnan(x[i]) ? x[i] : std::clamp(x[i], -kLimit, kLimit);
      EXPECT_TRUE(y[i] == expected || (std::isnan(expected) && std::isnan(y[i]))) << i;
    }
    EXPECT_TRUE(y.intact());
    rows().clip(x.data(), kLimit, x.data(), d);
    EXPECT_TRUE(same_bits(x.values(), y.values()) && x.intact());
  }
}

TEST_P(RowsTest, ClampedGate) {
  constexpr double kAlpha = 1.702f, kLimit = 7;
  for (const std::int64_t d : kSizes) {
    Guarded gate(random_values(d, 35, 12)), up(random_values(d, 36, 12)), y(d);
    if (d > 8) gate[3] = kNan, up[4] = kNan, gate[5] = kInf, gate[6] = -kInf, up[7] = kInf, up[8] = -kInf;
    std::vector<double> expected;
    for (std::int64_t i = 0; i < d; ++i) {
      const double g = gate[i] > kLimit ? kLimit : gate[i];
      const double u = std::isnan(up[i]) ? double{up[i]} : std::clamp(double{up[i]}, -kLimit, kLimit);
      expected.push_back((u + 1) * g * activation_in_double(Activation::kSigmoid, kAlpha * g));
    }
    rows().clamped_gate(gate.data(), up.data(), float{kAlpha}, float{kLimit}, y.data(), d);
    EXPECT_TRUE(
        near(y.values(), expected, [&](std::size_t i) { return 2e-6 * (std::abs(expected[i]) + 1e-3); }));
    EXPECT_TRUE(y.intact());
    rows().clamped_gate(gate.data(), up.data(), float{kAlpha}, float{kLimit}, gate.data(), d);
    EXPECT_TRUE(same_bits(gate.values(), y.values()) && gate.intact());
  }
}

TEST_P(RowsTest, NoRowsAreNoWork) {
  Guarded y(0);
  const float gain[8] = {};
  RopeArgs rope{.heads = 1, .head_dim = 8, .rotary_dim = 8, .ldx = 8, .ldy = 8};
  rope.inverse_frequencies = gain;
  rows().layer_norm(nullptr, nullptr, gain, nullptr, 1e-5f, 0, 8, nullptr, y.data());
  rows().rms_norm(nullptr, nullptr, gain, 0, 1e-5f, 0, 8, nullptr, y.data());
  rows().activate(Activation::kGelu, nullptr, y.data(), 0);
  rows().gate(Activation::kSilu, nullptr, 8, nullptr, 8, y.data(), 8, 0, 8);
  rows().add(nullptr, nullptr, y.data(), 0);
  rows().mul(nullptr, nullptr, y.data(), 0);
  rows().scale(nullptr, 2, y.data(), 0);
  rows().clip(nullptr, 2, y.data(), 0);
  rows().combine(nullptr, nullptr, 8, 0, 0, y.data());
  rows().rope(rope);
  rows().softmax(nullptr, y.data(), 0, 8);
  rows().l2_normalize(nullptr, 0, 8, y.data());
  rows().add_scaled(nullptr, 1, y.data(), 0);
  rows().clamped_gate(nullptr, nullptr, 1, 1, y.data(), 0);
  EXPECT_TRUE(y.intact());
}

// A vocabulary's width and more. Sums of n terms in at least four lanes, each off by half an ulp of the sum
// so far: n / 8 ulps at the very worst, and the root of that as chance has it.
TEST_P(RowsTest, HugeRows) {
  constexpr std::int64_t kD = 262147;
  const double bound = 4 * std::sqrt(kD / 8.0) * kUlp;
  Guarded x(random_values(kD, 31, 3)), gain(random_values(kD, 32)), y(kD);
  const auto within = [&](const std::vector<double>& expected) {
    return near(y.values(), expected, [&](std::size_t i) { return bound * (std::abs(expected[i]) + 1e-9); });
  };
  std::vector<double> centred = normalized(x.values(), kD, true, 1e-5);
  std::vector<double> scaled = normalized(x.values(), kD, false, 1e-5);
  for (std::int64_t i = 0; i < kD; ++i) {
    centred[static_cast<std::size_t>(i)] *= gain[i];
    scaled[static_cast<std::size_t>(i)] *= gain[i];
  }
  rows().layer_norm(x.data(), nullptr, gain.data(), nullptr, 1e-5f, 1, kD, nullptr, y.data());
  // The mean is near zero, so its error is one of the deviations' size, not of the element's.
  EXPECT_TRUE(
      near(y.values(), centred, [&](std::size_t i) { return bound * (std::abs(centred[i]) + 1e-2); }));
  rows().rms_norm(x.data(), nullptr, gain.data(), 0, 1e-5f, 1, kD, nullptr, y.data());
  EXPECT_TRUE(within(scaled));

  std::vector<double> softmax, unit;
  double total = 0, square = 0;
  for (const float value : x.values()) total += std::exp(double{value}), square += double{value} * value;
  for (const float value : x.values())
    softmax.push_back(std::exp(double{value}) / total), unit.push_back(value / std::sqrt(square));
  rows().softmax(x.data(), y.data(), 1, kD);
  EXPECT_TRUE(within(softmax));
  rows().l2_normalize(x.data(), 1, kD, y.data());
  EXPECT_TRUE(within(unit));
  EXPECT_TRUE(y.intact());
}

// A row gives the same bits alone and among others.
TEST_P(RowsTest, RowsDoNotDependOnTheBatch) {
  constexpr std::int64_t kD = 100, kRows = 5;
  const std::vector<float> x = random_values(kRows * kD, 17), gain = random_values(kD, 18);
  std::vector<float> together(x.size()), alone(x.size());
  rows().layer_norm(x.data(), nullptr, gain.data(), gain.data(), 1e-5f, kRows, kD, nullptr, together.data());
  for (std::int64_t row = 0; row < kRows; ++row)
    rows().layer_norm(x.data() + row * kD, nullptr, gain.data(), gain.data(), 1e-5f, 1, kD, nullptr,
                      alone.data() + row * kD);
  EXPECT_TRUE(same_bits(together, alone));
}

INSTANTIATE_TEST_SUITE_P(Tables, RowsTest, testing::ValuesIn(available_tables()), table_name);

}  // namespace
}  // namespace swiftlet::kernels
