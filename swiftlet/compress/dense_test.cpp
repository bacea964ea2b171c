#include "swiftlet/compress/dense.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swiftlet/compress/test_dots.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet {
namespace {

using kernels::random_values;

// x xᵀ + a little on the diagonal.
std::vector<float> positive_definite(std::int64_t k) {
  const std::vector<float> x = random_values(k * (k + 8), 3);
  std::vector<float> a(static_cast<std::size_t>(k * k));
  for (std::int64_t r = 0; r < k; ++r)
    for (std::int64_t c = 0; c < k; ++c) {
      const double more = r == c ? 0.01 * static_cast<double>(k) : 0;
      const double sum = test::dot(x.data() + r * (k + 8), x.data() + c * (k + 8), k + 8).sum;
      a[static_cast<std::size_t>(r * k + c)] = static_cast<float>(sum + more);
    }
  return a;
}

TEST(Dense, ProductsAreThoseOfTheDefinition) {
  ThreadPool pool(2);
  Dense dense(pool);
  const std::int64_t m = 37, n = 21, k = 70, ld = 80;
  const std::vector<float> a = random_values(m * ld, 1), b = random_values(n * ld, 2);
  std::vector<float> c(static_cast<std::size_t>(m * (n + 3)), 7);
  dense.multiply_transposed({a.data(), m, k, ld}, {b.data(), n, k, ld}, {c.data(), m, n, n + 3});
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t j = 0; j < n; ++j) {
      const test::Dot expected = test::dot(a.data() + r * ld, b.data() + j * ld, k);
      EXPECT_NEAR(c[static_cast<std::size_t>(r * (n + 3) + j)], expected.sum, 1e-6 * expected.norm);
    }
    for (std::int64_t j = n; j < n + 3; ++j) EXPECT_EQ(c[static_cast<std::size_t>(r * (n + 3) + j)], 7);
  }
}

TEST(Dense, TheCholeskyFactorGivesTheMatrixAgain) {
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    Dense dense(pool);
    for (const std::int64_t k : {1, 5, 128, 300}) {
      const std::vector<float> a = positive_definite(k);
      std::vector<float> l = a;
      ASSERT_TRUE(dense.cholesky({l.data(), k, k, k}));
      double worst = 0, norm = 0;
      for (std::int64_t r = 0; r < k; ++r)
        for (std::int64_t c = 0; c <= r; ++c) {
          const double sum = test::dot(l.data() + r * k, l.data() + c * k, c + 1).sum;
          worst = std::max(worst, std::fabs(sum - a[static_cast<std::size_t>(r * k + c)]));
          norm = std::max(norm, std::fabs(sum));
        }
      // Backward stable: of the size of the matrix times some roundings.
      EXPECT_LT(worst, 1e-5 * norm) << k;
    }
  }
}

TEST(Dense, AMatrixThatIsNotPositiveDefiniteHasNoFactor) {
  ThreadPool pool(1);
  Dense dense(pool);
  std::vector<float> a = positive_definite(140);
  a[139 * 140 + 139] = -1;
  EXPECT_FALSE(dense.cholesky({a.data(), 140, 140, 140}));
  a = positive_definite(140);
  a[3 * 140 + 3] = NAN;
  EXPECT_FALSE(dense.cholesky({a.data(), 140, 140, 140}));
}

}  // namespace
}  // namespace swiftlet
