#include "swiftlet/compress/calibrate/second_moments.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/compress/test_dots.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet {
namespace {

TEST(SecondMoments, AreTheSumsOfProductsOverAllRows) {
  const std::int64_t k = 300, rows = 2100;  // several strips, several pieces
  const std::vector<float> x = kernels::random_values(rows * k, 1);
  ThreadPool pool(2);
  Dense dense(pool);
  SecondMoments moments(k);
  moments.add(dense, x.data(), 20);
  moments.add(dense, x.data() + 20 * k, rows - 20);
  EXPECT_EQ(moments.rows(), rows);
  EXPECT_TRUE(moments.finite());
  for (std::int64_t r = 0; r < k; r += 7)
    for (std::int64_t c = 0; c < k; c += 11) {
      const test::Dot expected = test::dot(x.data() + r, x.data() + c, rows, k);
      ASSERT_NEAR(moments.at(r, c), expected.sum, 1e-5 * expected.norm) << r << ", " << c;
      ASSERT_EQ(moments.at(r, c), moments.at(c, r));
    }
}

TEST(SecondMoments, TellWhereARowWasNotFinite) {
  std::vector<float> x = kernels::random_values(40, 1);
  ThreadPool pool(1);
  Dense dense(pool);
  for (const float bad : {INFINITY, NAN}) {
    SecondMoments moments(10);
    x[23] = bad;
    moments.add(dense, x.data(), 4);
    EXPECT_FALSE(moments.finite());
  }
}

}  // namespace
}  // namespace swiftlet
