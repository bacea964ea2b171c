// Dense linear algebra in f32 for the methods that solve for weights: products over the kernels of `linear`,
// and the Cholesky factor. Results do not depend on the number of threads.
//
// Matrices are row-major; ld is the distance between rows.
#pragma once

#include <cstdint>
#include <vector>

#include "swiftlet/core/buffer.h"
#include "swiftlet/core/thread_pool.h"

namespace swiftlet {

struct ConstMatrix {
  const float* data = nullptr;
  std::int64_t rows = 0, columns = 0, ld = 0;
};
struct Matrix {
  float* data = nullptr;
  std::int64_t rows = 0, columns = 0, ld = 0;

  operator ConstMatrix() const { return {data, rows, columns, ld}; }  // NOLINT: whoever may write may read
  float* row(std::int64_t r) const { return data + r * ld; }
  // Rows from `r` on, `count` columns from `c` on.
  Matrix part(std::int64_t r, std::int64_t count_r, std::int64_t c, std::int64_t count_c) const {
    return {data + r * ld + c, count_r, count_c, ld};
  }
};

class Dense {
 public:
  explicit Dense(ThreadPool& pool) : pool_(pool) {}

  // c = a bᵀ:  a [M, K], b [N, K], c [M, N].
  void multiply_transposed(const ConstMatrix& a, const ConstMatrix& b, const Matrix& c);
  // a -= x yᵀ.
  void subtract_product(const Matrix& a, const ConstMatrix& x, const ConstMatrix& y);

  // a = L Lᵀ: replaces the lower triangle of a symmetric [K, K], of which nothing else is read, by L; what
  // lies above is lost. False when a is not positive definite: all of it is lost then. Block by block of
  // columns, each brought up to date by one product with those before it (left-looking; Golub and Van Loan,
  // Matrix Computations, 4.2).
  bool cholesky(const Matrix& a);

  ThreadPool& pool() { return pool_; }

 private:
  ThreadPool& pool_;
  Buffer workspace_;
  std::vector<float> product_;
};

}  // namespace swiftlet
