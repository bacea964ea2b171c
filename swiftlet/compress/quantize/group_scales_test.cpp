#include "swiftlet/compress/quantize/group_scales.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/compress/test_problem.h"
#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

using test::Problem;

const Encoding kEncodings[] = {{Format::kInt4, 32, false},
                               {Format::kInt4, 20, true},
                               {Format::kInt8, 48, false},
                               {Format::kInt4, 0, true}};

// e H eᵀ over the columns of a group, H the moments or the identity.
double lost(const Problem& p, const SecondMoments* moments, const Encoding& encoding, const GroupScale& scale,
            std::int64_t r, std::int64_t first, std::int64_t count) {
  std::vector<double> e;
  for (std::int64_t c = first; c < first + count; ++c) {
    const float w = p.values[static_cast<std::size_t>(r * p.k + c)];
    e.push_back(double{code_value(scale, nearest_code(encoding, scale, w))} - w);
  }
  double sum = 0;
  for (std::int64_t a = 0; a < count; ++a)
    for (std::int64_t b = 0; b < count; ++b)
      sum += e[static_cast<std::size_t>(a)] * e[static_cast<std::size_t>(b)] *
             (moments != nullptr ? double{moments->at(first + a, first + b)} : (a == b ? 1.0 : 0.0));
  return sum;
}

TEST(GroupScales, UsualOnesAreThoseOfEncode) {
  Problem p(37, 90, 10);
  for (const Encoding& encoding : kEncodings) {
    const Weight rounded =
        round_with_scales(p.weight, encoding, usual_scales(p.weight, encoding, p.pool), p.pool);
    EXPECT_EQ(decode(rounded), decode(encode(p.weight, encoding))) << to_string(encoding);
  }
}

// No multiple of the usual scale that is tried, and there are 21 of them, loses less than the chosen one.
TEST(GroupScales, ClippedOnesLoseLeast) {
  Problem p(21, 90, 300);
  for (const SecondMoments* moments :
       {static_cast<const SecondMoments*>(&p.moments), static_cast<const SecondMoments*>(nullptr)})
    for (const Encoding& encoding : kEncodings) {
      const GroupScales usual = usual_scales(p.weight, encoding, p.pool);
      const GroupScales clipped = clipped_scales(p.dense, p.weight, encoding, moments);
      ASSERT_EQ(clipped.size(), usual.size());
      const std::int64_t group = encoding.group > 0 ? encoding.group : p.k;
      const std::int64_t groups = static_cast<std::int64_t>(usual.size()) / p.n;
      std::int64_t changed = 0;
      for (std::size_t i = 0; i < usual.size(); ++i) {
        const std::int64_t r = static_cast<std::int64_t>(i) / groups;
        const std::int64_t first = static_cast<std::int64_t>(i) % groups * group;
        const std::int64_t count = std::min(group, p.k - first);
        const double chosen = lost(p, moments, encoding, clipped[i], r, first, count);
        for (int percent = 600; percent <= 1100; percent += 25) {
          GroupScale trial = usual[i];
          trial.scale = stored_scale(encoding, trial.scale * static_cast<float>(percent) / 1000);
          ASSERT_LE(chosen, 1.001 * lost(p, moments, encoding, trial, r, first, count) + 1e-9)
              << to_string(encoding) << ", row " << r << ", column " << first << ", " << percent;
        }
        EXPECT_EQ(clipped[i].zero_point, usual[i].zero_point);
        changed += clipped[i].scale != usual[i].scale;
      }
      EXPECT_TRUE(changed > 0 || moments == nullptr) << to_string(encoding);
    }
}

TEST(GroupScales, AreTheSameOnAnyNumberOfThreads) {
  Problem p(50, 128, 200);
  ThreadPool one(1);
  Dense alone(one);
  const Encoding encoding{Format::kInt4, 64, false};
  const GroupScales many = clipped_scales(p.dense, p.weight, encoding, &p.moments);
  const GroupScales single = clipped_scales(alone, p.weight, encoding, &p.moments);
  for (std::size_t i = 0; i < many.size(); ++i) ASSERT_EQ(many[i].scale, single[i].scale) << i;
}

TEST(GroupScales, RefuseValuesThatAreNotFinite) {
  Problem p(8, 30, 40);
  p.values[35] = NAN;
  const Weight broken = weight_from_tensor("w", Tensor::from(p.values, {8, 30}));
  std::string message;
  try {
    usual_scales(broken, {Format::kInt4, 10, false}, p.pool);
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_EQ(message, "[w] expected finite values, row 1 column 5 is nan");
}

TEST(GroupScales, ZeroStaysZero) {
  Problem p(16, 64, 40);
  std::fill(p.values.begin(), p.values.begin() + 64, 0.0f);
  const Weight weight = weight_from_tensor("w", Tensor::from(p.values, {16, 64}));
  const Encoding encoding{Format::kInt4, 32, false};
  const std::vector<float> rounded = decode(
      round_with_scales(weight, encoding, clipped_scales(p.dense, weight, encoding, &p.moments), p.pool));
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(rounded[i], 0) << i;
}

}  // namespace
}  // namespace swiftlet
