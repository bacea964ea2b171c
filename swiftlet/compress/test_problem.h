// A layer for the tests of methods that make up for what they take: a matrix, and the moments of inputs that
// hang together. Included by tests only.
#pragma once

#include <cstdint>
#include <vector>

#include "swiftlet/compress/calibrate/second_moments.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet::test {

using Doubles = std::vector<double>;

// Inputs that hang together: few sources for many columns, some columns much larger than others.
inline std::vector<float> inputs(std::int64_t rows, std::int64_t k) {
  const std::int64_t sources = k / 3 + 1;
  const std::vector<float> s = kernels::random_values(rows * sources, 1),
                           mix = kernels::random_values(sources * k, 2),
                           noise = kernels::random_values(rows * k, 3);
  std::vector<float> x(static_cast<std::size_t>(rows * k));
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < k; ++c) {
      float sum = 0.5f * noise[static_cast<std::size_t>(r * k + c)];
      for (std::int64_t i = 0; i < sources; ++i)
        sum += s[static_cast<std::size_t>(r * sources + i)] * mix[static_cast<std::size_t>(i * k + c)];
      x[static_cast<std::size_t>(r * k + c)] = c % 17 == 0 ? 4 * sum : sum;
    }
  return x;
}

struct Problem {
  std::int64_t n, k;
  ThreadPool pool{2};
  Dense dense{pool};
  SecondMoments moments{k};
  std::vector<float> x, values = kernels::random_values(n * k, 5);
  Weight weight = weight_from_tensor("w", Tensor::from(values, {n, k}));

  Problem(std::int64_t outputs, std::int64_t columns, std::int64_t rows) : n(outputs), k(columns) {
    x = inputs(rows, k);
    moments.add(dense, x.data(), rows);
  }
  // Σ over the rows of (W - W') H (W - W')ᵀ.
  double output_error(const Weight& after) const {
    const std::vector<float> rounded = decode(after);
    double sum = 0;
    for (std::int64_t r = 0; r < n; ++r)
      for (std::int64_t a = 0; a < k; ++a)
        for (std::int64_t b = 0; b < k; ++b)
          sum += error(rounded, r, a) * moments.at(a, b) * error(rounded, r, b);
    return sum;
  }
  // H and what the damping adds to it, in double.
  Doubles damped(double damping) const {
    double mean = 0;
    for (std::int64_t i = 0; i < k; ++i) mean += moments.at(i, i) / static_cast<double>(k);
    Doubles h;
    for (std::int64_t r = 0; r < k; ++r)
      for (std::int64_t c = 0; c < k; ++c) h.push_back(moments.at(r, c) + (r == c ? damping * mean : 0));
    return h;
  }

 private:
  double error(const std::vector<float>& rounded, std::int64_t r, std::int64_t c) const {
    const auto i = static_cast<std::size_t>(r * k + c);
    return double{values[i]} - rounded[i];
  }
};

// The inverse by elimination with the whole matrix, in double.
inline Doubles inverse(Doubles a, std::size_t k) {
  Doubles inv(k * k);
  for (std::size_t i = 0; i < k; ++i) inv[i * k + i] = 1;
  for (std::size_t i = 0; i < k; ++i) {
    const double pivot = a[i * k + i];
    for (std::size_t c = 0; c < k; ++c) a[i * k + c] /= pivot, inv[i * k + c] /= pivot;
    for (std::size_t r = 0; r < k; ++r) {
      const double factor = r == i ? 0 : a[r * k + i];
      for (std::size_t c = 0; c < k; ++c)
        a[r * k + c] -= factor * a[i * k + c], inv[r * k + c] -= factor * inv[i * k + c];
    }
  }
  return inv;
}

}  // namespace swiftlet::test
