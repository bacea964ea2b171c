#include "swiftlet/compress/quantize/gptq.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "swiftlet/compress/quantize/round_to_nearest.h"
#include "swiftlet/compress/test_problem.h"
#include "swiftlet/core/error.h"
#include "swiftlet/encoding/integer.h"

namespace swiftlet {
namespace {

using test::Doubles;
using test::inverse;
using test::Problem;

// Under the scales of round to nearest.
Weight round(Problem& p, const Gptq& gptq, const Encoding& encoding) {
  return gptq.round(p.dense, p.weight, encoding, usual_scales(p.weight, encoding, p.pool));
}

// Optimal brain quantization as Frantar and Alistarh (2022) write it, for columns in a given order: after
// each column all that are left move by -(error / inverse[q, q]) * inverse[q, :], and the column leaves the
// inverse.
std::vector<int> textbook_codes(const Problem& p, const std::vector<std::int64_t>& order, double damping,
                                const Encoding& encoding) {
  const auto k = static_cast<std::size_t>(p.k);
  const Doubles whole = inverse(p.damped(damping), k);
  const std::int64_t group = encoding.group > 0 ? encoding.group : p.k;
  std::vector<int> codes(static_cast<std::size_t>(p.n) * k);
  for (std::int64_t r = 0; r < p.n; ++r) {
    const float* const original = p.values.data() + r * p.k;
    Doubles w(original, original + p.k), inv = whole;
    for (const std::int64_t column : order) {
      const std::int64_t first = column / group * group;
      const GroupScale scale = choose_scale(encoding, original + first, std::min(group, p.k - first), "w");
      const auto q = static_cast<std::size_t>(column);
      const int code = nearest_code(encoding, scale, static_cast<float>(w[q]));
      codes[static_cast<std::size_t>(r) * k + q] = code;
      const double step = (w[q] - code_value(scale, code)) / inv[q * k + q];
      for (std::size_t c = 0; c < k; ++c) w[c] -= step * inv[q * k + c];
      const Doubles row(inv.begin() + static_cast<std::ptrdiff_t>(q * k),
                        inv.begin() + static_cast<std::ptrdiff_t>(q * k + k));
      for (std::size_t a = 0; a < k; ++a)
        for (std::size_t b = 0; b < k; ++b) inv[a * k + b] -= row[a] * row[b] / row[q];
      inv[q * k + q] = 1;  // it has left
    }
  }
  return codes;
}

TEST(Gptq, ChoosesTheCodesOfTheTextbook) {
  const Encoding encodings[] = {
      {Format::kInt4, 32, false}, {Format::kInt4, 20, true}, {Format::kInt8, 0, false}};
  Problem p(18, 150, 400);  // more than one block of columns, a last panel that is not full
  for (const bool by_activation : {true, false}) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(p.k));
    std::iota(order.begin(), order.end(), 0);
    if (by_activation)
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return p.moments.at(a, a) > p.moments.at(b, b);
      });
    const Gptq gptq(p.dense, p.moments, {.damping = 0.01, .activation_order = by_activation}, "w");
    EXPECT_EQ(gptq.damping(), 0.01);
    for (const Encoding& encoding : encodings) {
      const Weight result = round(p, gptq, encoding);
      const std::vector<int> expected = textbook_codes(p, order, 0.01, encoding);
      const IntegerWeightReader reader(result);
      std::int64_t different = 0;
      for (std::int64_t r = 0; r < p.n; ++r)
        for (std::int64_t c = 0; c < p.k; ++c)
          different += reader.code(r, c) != expected[static_cast<std::size_t>(r * p.k + c)];
      // A value halfway between two codes may go either way in f32, and the rest of its row after it.
      EXPECT_LE(different, p.n * p.k / 100) << to_string(encoding) << " of " << p.n * p.k;
    }
  }
}

TEST(Gptq, LosesLessOfTheOutputThanRoundingToNearest) {
  Problem p(16, 140, 600);
  const Encoding encoding{Format::kInt4, 32, false};
  const double nearest =
      p.output_error(round_to_nearest(p.weight, encoding, Arithmetic::kF32, p.pool).weight);
  const auto error_of = [&](bool by_activation) {
    const Gptq gptq(p.dense, p.moments, {.activation_order = by_activation}, "w");
    return p.output_error(round(p, gptq, encoding));
  };
  EXPECT_LT(error_of(false), 0.6 * nearest);
  EXPECT_LT(error_of(true), 0.6 * nearest);
}

TEST(Gptq, WithoutCorrelationItIsRoundingToNearest) {
  Problem p(7, 40, 8);
  SecondMoments apart(40);
  std::vector<float> x(40 * 40);
  for (std::size_t i = 0; i < 40; ++i) x[i * 41] = 1.0f + static_cast<float>(i % 3);
  apart.add(p.dense, x.data(), 40);
  const Gptq gptq(p.dense, apart, {}, "w");
  const Encoding encoding{Format::kInt8, 0, true};
  EXPECT_EQ(decode(round(p, gptq, encoding)),
            decode(round_to_nearest(p.weight, encoding, Arithmetic::kF32, p.pool).weight));
}

TEST(Gptq, DoesNotDependOnTheThreads) {
  Problem p(50, 200, 300);
  ThreadPool one(1);
  Dense alone(one);
  const Encoding encoding{Format::kInt4, 64, false};
  const Gptq a(p.dense, p.moments, {}, "w"), b(alone, p.moments, {}, "w");
  const GroupScales scales = usual_scales(p.weight, encoding, p.pool);
  const Weight many = a.round(p.dense, p.weight, encoding, scales);
  const Weight single = b.round(alone, p.weight, encoding, scales);
  EXPECT_EQ(decode(many), decode(single));
}

TEST(Gptq, RaisesTheDampingWhereRowsAreFewerThanColumns) {
  Problem p(8, 60, 10);
  const Gptq gptq(p.dense, p.moments, {.damping = 0}, "w");
  EXPECT_GT(gptq.damping(), 0);
  EXPECT_LT(gptq.damping(), 1);
}

TEST(Gptq, RefusesMomentsThatAreNotFinite) {
  Problem p(8, 30, 40);
  std::vector<float> x(30, 1.0f);
  x[4] = INFINITY;
  SecondMoments bad(30);
  bad.add(p.dense, x.data(), 1);
  std::string message;
  try {
    Gptq(p.dense, bad, {}, "layer.w");
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("layer.w"), std::string::npos) << message;
}

}  // namespace
}  // namespace swiftlet
