#include "swiftlet/compress/calibrate/second_moments.h"

#include <algorithm>
#include <cmath>

namespace swiftlet {
namespace {

constexpr std::int64_t kRows = 2048;  // that one product sums up
constexpr std::int64_t kStrip = 256;  // columns of H that are added at once
constexpr std::int64_t kTile = 16;    // rows and columns that are transposed while they are in the cache

struct Columns {
  std::int64_t begin, end;
};

void transpose(const float* x, std::int64_t count, std::int64_t k, const Columns& columns, const Matrix& to) {
  for (std::int64_t first = 0; first < count; first += kTile)
    for (std::int64_t c = columns.begin; c < columns.end; ++c)
      for (std::int64_t r = first; r < std::min(first + kTile, count); ++r) to.row(c)[r] = x[r * k + c];
}

}  // namespace

void SecondMoments::add(Dense& dense, const float* x, std::int64_t count) {
  for (; count > kRows; count -= kRows, x += kRows * k_) add(dense, x, kRows);
  if (count <= 0) return;
  transposed_.resize(static_cast<std::size_t>(k_ * count));
  const Matrix xt{transposed_.data(), k_, count, count};
  dense.pool().parallel_for(k_, kTile, [&](std::int64_t begin, std::int64_t end) {
    for (; begin < end; begin += kTile) transpose(x, count, k_, {begin, std::min(begin + kTile, end)}, xt);
  });
  // H is symmetric: each strip of columns from its diagonal downwards.
  for (std::int64_t begin = 0; begin < k_; begin += kStrip) {
    const std::int64_t width = std::min(kStrip, k_ - begin), rows = k_ - begin;
    strip_.resize(static_cast<std::size_t>(rows * width));
    const Matrix strip{strip_.data(), rows, width, width};
    dense.multiply_transposed(xt.part(begin, rows, 0, count), xt.part(begin, width, 0, count), strip);
    dense.pool().parallel_for(rows, 16, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        float* const to = sums_.data() + (begin + r) * k_ + begin;
        for (std::int64_t c = 0; c < std::min(width, r + 1); ++c) to[c] += strip.row(r)[c];
      }
    });
  }
  rows_ += count;
}

void SecondMoments::divide(std::span<const float> s) {
  for (std::int64_t r = 0; r < k_; ++r)
    for (std::int64_t c = 0; c <= r; ++c)
      sums_[static_cast<std::size_t>(r * k_ + c)] /=
          s[static_cast<std::size_t>(r)] * s[static_cast<std::size_t>(c)];
}

bool SecondMoments::finite() const {
  for (std::int64_t i = 0; i < k_; ++i)
    if (!std::isfinite(at(i, i))) return false;
  return true;
}

}  // namespace swiftlet
