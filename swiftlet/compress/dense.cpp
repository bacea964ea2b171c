#include "swiftlet/compress/dense.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kBlock = 128;  // columns that are factored without a product

Tensor dense_copy(const ConstMatrix& m) {
  Tensor copy = Tensor::zeros(DType::kF32, {m.rows, m.columns});
  for (std::int64_t r = 0; r < m.rows; ++r)
    std::memcpy(copy.mutable_data<float>() + r * m.columns, m.data + r * m.ld,
                static_cast<std::size_t>(m.columns) * sizeof(float));
  return copy;
}

// The block on the diagonal, in double: its pivots are the small differences of large numbers.
bool factor_diagonal(const Matrix& a) {
  const std::int64_t n = a.rows;
  std::vector<double> l(static_cast<std::size_t>(n * n));
  for (std::int64_t r = 0; r < n; ++r)
    for (std::int64_t c = 0; c <= r; ++c) {
      double sum = a.row(r)[c];
      for (std::int64_t i = 0; i < c; ++i)
        sum -= l[static_cast<std::size_t>(r * n + i)] * l[static_cast<std::size_t>(c * n + i)];
      if (r == c && !(sum > 0)) return false;
      const double value = r == c ? std::sqrt(sum) : sum / l[static_cast<std::size_t>(c * n + c)];
      l[static_cast<std::size_t>(r * n + c)] = value;
      a.row(r)[c] = static_cast<float>(value);
    }
  return true;
}

// The rows below it: x Lᵀ = a, row by row.
void solve_below(ThreadPool& pool, const Matrix& a, const Matrix& l) {
  pool.parallel_for(a.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      float* const x = a.row(r);
      for (std::int64_t c = 0; c < l.rows; ++c) {
        double sum = x[c];
        for (std::int64_t i = 0; i < c; ++i) sum -= double{x[i]} * l.row(c)[i];
        x[c] = static_cast<float>(sum / l.row(c)[c]);
      }
    }
  });
}

}  // namespace

void Dense::multiply_transposed(const ConstMatrix& a, const ConstMatrix& b, const Matrix& c) {
  SWIFTLET_ASSERT(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows);
  const Weight packed = pack(weight_from_tensor("b", dense_copy(b)));
  const kernels::KernelTable& table = kernels::default_table();
  const kernels::LinearOutput output{.weight = kernels::panel_view(packed), .y = c.data, .ldy = c.ld};
  const std::size_t bytes =
      kernels::linear_workspace(table, pool_.size(), Arithmetic::kF32, {&output, 1}, a.rows);
  if (workspace_.size() < bytes) workspace_ = Buffer::heap(bytes);
  kernels::linear(table, pool_, Arithmetic::kF32, a.data, a.ld, a.rows, {&output, 1},
                  workspace_.mutable_data());
}

void Dense::subtract_product(const Matrix& a, const ConstMatrix& x, const ConstMatrix& y) {
  product_.resize(static_cast<std::size_t>(a.rows * a.columns));
  const Matrix product{product_.data(), a.rows, a.columns, a.columns};
  multiply_transposed(x, y, product);
  pool_.parallel_for(a.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      for (std::int64_t c = 0; c < a.columns; ++c) a.row(r)[c] -= product.row(r)[c];
  });
}

bool Dense::cholesky(const Matrix& a) {
  SWIFTLET_ASSERT(a.rows == a.columns);
  for (std::int64_t begin = 0; begin < a.rows; begin += kBlock) {
    const std::int64_t end = std::min(begin + kBlock, a.rows), width = end - begin, below = a.rows - end;
    if (begin > 0)
      subtract_product(a.part(begin, a.rows - begin, begin, width), a.part(begin, a.rows - begin, 0, begin),
                       a.part(begin, width, 0, begin));
    const Matrix diagonal = a.part(begin, width, begin, width);
    if (!factor_diagonal(diagonal)) return false;
    solve_below(pool_, a.part(end, below, begin, width), diagonal);
  }
  return true;
}

}  // namespace swiftlet
