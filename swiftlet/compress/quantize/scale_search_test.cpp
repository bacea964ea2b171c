#include "swiftlet/compress/quantize/scale_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "swiftlet/compress/test_problem.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {
namespace {

using test::Problem;

std::vector<std::int64_t> own_rows(std::int64_t k) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(k));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

InputSample sample_of(const Problem& p, std::int64_t rows) {
  InputSample sample(p.k, rows, rows);
  sample.add(p.x.data(), rows);
  return sample;
}

// |x' W'ᵀ - x Wᵀ|² with the weights encoded after scaling, in double.
double loss(const Problem& p, std::int64_t rows, const Encoding& encoding, bool int8_inputs,
            const std::vector<float>& s) {
  std::vector<float> scaled = p.values;
  for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= s[i % s.size()];
  const std::vector<float> rounded =
      decode(encode(weight_from_tensor("w", Tensor::from(scaled, {p.n, p.k})), encoding));
  double sum = 0;
  for (std::int64_t m = 0; m < rows; ++m) {
    std::vector<float> x(p.x.begin() + m * p.k, p.x.begin() + (m + 1) * p.k);
    for (std::size_t c = 0; c < x.size(); ++c) x[c] /= s[c];
    float largest = 0;
    for (const float value : x) largest = std::max(largest, std::fabs(value));
    if (int8_inputs)
      for (float& value : x) value = std::nearbyint(value / (largest / 127)) * (largest / 127);
    for (std::int64_t n = 0; n < p.n; ++n) {
      double difference = 0;
      for (std::int64_t c = 0; c < p.k; ++c)
        difference +=
            double{x[static_cast<std::size_t>(c)]} * rounded[static_cast<std::size_t>(n * p.k + c)] -
            double{p.x[static_cast<std::size_t>(m * p.k + c)]} *
                p.values[static_cast<std::size_t>(n * p.k + c)];
      sum += difference * difference;
    }
  }
  return sum;
}

// The factors of an exponent as the papers write them, but for a common multiple.
std::vector<float> textbook(const Problem& p, std::int64_t rows, ChannelScaling scaling, double exponent) {
  std::vector<double> s;
  for (std::int64_t c = 0; c < p.k; ++c) {
    double mean = 0, largest = 0, largest_weight = 0;
    for (std::int64_t m = 0; m < rows; ++m) {
      const double x = std::fabs(p.x[static_cast<std::size_t>(m * p.k + c)]);
      mean += x / static_cast<double>(rows);
      largest = std::max(largest, x);
    }
    for (std::int64_t n = 0; n < p.n; ++n)
      largest_weight =
          std::max(largest_weight, std::fabs(double{p.values[static_cast<std::size_t>(n * p.k + c)]}));
    s.push_back(scaling == ChannelScaling::kAwq
                    ? std::pow(mean, exponent)
                    : std::pow(largest, exponent) / std::pow(largest_weight, 1 - exponent));
  }
  const auto [least, most] = std::minmax_element(s.begin(), s.end());
  std::vector<float> out;
  for (const double value : s) out.push_back(static_cast<float>(value / std::sqrt(*least * *most)));
  return out;
}

TEST(ScaleSearch, TakesTheExponentThatLosesLeast) {
  constexpr std::int64_t kRows = 60;
  Problem p(19, 48, kRows);
  for (std::int64_t m = 0; m < kRows; ++m) p.x[static_cast<std::size_t>(m * p.k + 5)] *= 20;
  const InputSample sample = sample_of(p, kRows);
  for (const ChannelScaling scaling : {ChannelScaling::kAwq, ChannelScaling::kSmoothQuant})
    for (const bool int8_inputs : {false, true}) {
      const Encoding encoding =
          int8_inputs ? Encoding{Format::kInt8, 0, false} : Encoding{Format::kInt4, 16, true};
      const ScaledReader reader{p.weight, encoding, int8_inputs ? Arithmetic::kInt8 : Arithmetic::kF32};
      const ChannelScales found =
          search_channel_scales(p.dense, scaling, sample, {&reader, 1}, own_rows(p.k));
      EXPECT_GT(found.exponent, 0);
      const double chosen = loss(p, kRows, encoding, int8_inputs, found.s);
      EXPECT_LT(chosen, 0.9 * loss(p, kRows, encoding, int8_inputs, std::vector<float>(48, 1.0f)));
      for (int i = 1; i <= 20; ++i) {
        const std::vector<float> s = textbook(p, kRows, scaling, i / 20.0);
        EXPECT_LE(chosen, 1.001 * loss(p, kRows, encoding, int8_inputs, s)) << i;
        if (std::fabs(found.exponent - i / 20.0) > 1e-9) continue;
        for (std::size_t c = 0; c < s.size(); ++c) EXPECT_NEAR(found.s[c], s[c], 1e-4 * s[c]) << c;
      }
    }
}

TEST(ScaleSearch, ChannelsThatShareARowGetOneFactor) {
  Problem p(8, 32, 50);
  std::vector<std::int64_t> rows;
  for (std::int64_t c = 0; c < p.k; ++c) rows.push_back(c % 8);
  const ScaledReader reader{p.weight, {Format::kInt4, 16, true}, Arithmetic::kF32};
  const ChannelScales found =
      search_channel_scales(p.dense, ChannelScaling::kAwq, sample_of(p, 50), {&reader, 1}, rows);
  for (std::size_t c = 8; c < found.s.size(); ++c) EXPECT_EQ(found.s[c], found.s[c - 8]);
}

// A channel that was never seen gets a bounded factor.
TEST(ScaleSearch, BoundsTheFactorsOfDeadChannels) {
  Problem p(8, 32, 50);
  for (std::int64_t m = 0; m < 50; ++m) p.x[static_cast<std::size_t>(m * p.k + 3)] = 0;
  const ScaledReader reader{p.weight, {Format::kInt4, 16, true}, Arithmetic::kF32};
  const ChannelScales found =
      search_channel_scales(p.dense, ChannelScaling::kAwq, sample_of(p, 50), {&reader, 1}, own_rows(32));
  for (const float s : found.s) {
    EXPECT_GT(s, 0);
    EXPECT_LT(s, 1e5);
  }
}

}  // namespace
}  // namespace swiftlet
