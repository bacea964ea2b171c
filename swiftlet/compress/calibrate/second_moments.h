// Second moments: what a linear layer saw of its input, as far as its rounding needs to know.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "swiftlet/compress/dense.h"

namespace swiftlet {

// H = Σ x xᵀ over the rows x of an input [.., K], in f32: the Hessian of |W x - W' x|² but for a factor. K² *
// 4 bytes. add() is not thread-safe, and uses all threads of the pool.
class SecondMoments {
 public:
  explicit SecondMoments(std::int64_t k) : k_(k), sums_(static_cast<std::size_t>(k * k)) {}

  // rows x [count, K], dense. Rounds as sums of some thousand rows do that are added up then.
  void add(Dense& dense, const float* x, std::int64_t count);

  // What they are of the rows with column c divided by s[c].
  void divide(std::span<const float> s);

  std::int64_t k() const { return k_; }
  std::int64_t rows() const { return rows_; }
  // Σ x_r x_c.
  float at(std::int64_t r, std::int64_t c) const {
    return sums_[static_cast<std::size_t>(r >= c ? r * k_ + c : c * k_ + r)];
  }
  // Whether all rows were finite.
  bool finite() const;

 private:
  std::int64_t k_, rows_ = 0;
  std::vector<float> sums_;  // [K, K], the lower triangle
  std::vector<float> transposed_, strip_;
};

}  // namespace swiftlet
