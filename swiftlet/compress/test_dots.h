// Dot products in double, as the tests of dense products are checked with. Included by tests only.
#pragma once

#include <cmath>
#include <cstdint>

namespace swiftlet::test {

struct Dot {
  double sum = 0, norm = 0;  // of the products, and of their magnitudes
};

// Of `count` elements that lie so far apart.
inline Dot dot(const float* a, const float* b, std::int64_t count, std::int64_t stride = 1) {
  Dot result;
  for (std::int64_t i = 0; i < count; ++i) {
    const double product = double{a[i * stride]} * b[i * stride];
    result.sum += product;
    result.norm += std::fabs(product);
  }
  return result;
}

}  // namespace swiftlet::test
