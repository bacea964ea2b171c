#include "swiftlet/compress/prune/mask.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

// floor() of a product such as 0.29 * 100 must not lose an element to the last bit of the ratio.
std::int64_t count_of(double ratio, std::int64_t rivals) {
  constexpr double kTiny = 1e-9;
  return static_cast<std::int64_t>(std::floor(ratio * static_cast<double>(rivals) + kTiny));
}

// Blocks as if they were elements.
class Blocks {
 public:
  Blocks(const PrunePattern& pattern, const ConstMatrix& scores, ThreadPool& pool)
      : height_(pattern.block_rows),
        width_(pattern.block_columns),
        rows_(scores.rows / height_),
        columns_(scores.columns / width_) {
    if (height_ * width_ == 1 && scores.ld == scores.columns) {
      data_ = scores.data;  // large: no copy
      return;
    }
    sums_.resize(static_cast<std::size_t>(rows_ * columns_));
    data_ = sums_.data();
    pool.parallel_for(rows_, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        for (std::int64_t c = 0; c < columns_; ++c) sums_[index(r, c)] = sum(scores, r, c);
    });
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  const float* row(std::int64_t r) const { return data_ + r * columns_; }
  // Takes the marks of `rows` rows of blocks to their elements.
  void spread(const std::uint8_t* marks, std::int64_t first_row, std::int64_t rows, Mask& mask,
              std::int64_t first_column) const {
    for (std::int64_t r = 0; r < rows * height_; ++r) {
      std::uint8_t* const to = mask.row(first_row * height_ + r) + first_column;
      const std::uint8_t* const from = marks + r / height_ * columns_;
      for (std::int64_t c = 0; c < columns_ * width_; ++c) to[c] = from[c / width_];
    }
  }

 private:
  std::size_t index(std::int64_t r, std::int64_t c) const {
    return static_cast<std::size_t>(r * columns_ + c);
  }
  float sum(const ConstMatrix& scores, std::int64_t r, std::int64_t c) const {
    double sum = 0;
    for (std::int64_t i = 0; i < height_; ++i)
      for (std::int64_t j = 0; j < width_; ++j)
        sum += scores.data[(r * height_ + i) * scores.ld + c * width_ + j];
    return static_cast<float>(sum);
  }

  std::int64_t height_, width_, rows_, columns_;
  std::vector<float> sums_;
  const float* data_ = nullptr;  // [rows, columns]
};

void mark_ratio(const PrunePattern& pattern, const ConstMatrix& scores, Rivals rivals, Mask& mask,
                std::int64_t first_column, ThreadPool& pool) {
  const Blocks blocks(pattern, scores, pool);
  const std::int64_t at_once = rivals == Rivals::kMatrix ? std::max<std::int64_t>(1, blocks.rows()) : 1;
  pool.parallel_for(blocks.rows() / at_once, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> marks(static_cast<std::size_t>(at_once * blocks.columns()));
    for (std::int64_t i = begin; i < end; ++i) {
      const auto size = static_cast<std::int64_t>(marks.size());
      std::fill(marks.begin(), marks.end(), std::uint8_t{0});
      mark_least(blocks.row(i * at_once), size, count_of(pattern.ratio, size), marks.data());
      blocks.spread(marks.data(), i * at_once, at_once, mask, first_column);
    }
  });
}

}  // namespace

void mark_least(const float* scores, std::int64_t size, std::int64_t count, std::uint8_t* marks) {
  SWIFTLET_ASSERT(count <= size);
  if (count == 0) return;
  std::vector<float> sorted(scores, scores + size);
  const auto last = sorted.begin() + (count - 1);
  std::nth_element(sorted.begin(), last, sorted.end());
  const float limit = *last;
  std::int64_t equal = count - std::count_if(sorted.begin(), last, [&](float s) { return s < limit; });
  for (std::int64_t i = 0; i < size; ++i)
    if (scores[i] < limit || (scores[i] == limit && equal-- > 0)) marks[i] = 1;
}

void mark_least(const PrunePattern& pattern, const ConstMatrix& scores, Rivals rivals, Mask& mask,
                std::int64_t first_column, ThreadPool& pool) {
  if (pattern.kind == PrunePattern::Kind::kRatio)
    return mark_ratio(pattern, scores, rivals, mask, first_column, pool);
  pool.parallel_for(scores.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const float* const from = scores.data + r * scores.ld;
      std::uint8_t* const to = mask.row(r) + first_column;
      if (pattern.kind == PrunePattern::Kind::kBelow)
        for (std::int64_t c = 0; c < scores.columns; ++c) to[c] = from[c] < pattern.threshold;
      else
        for (std::int64_t c = 0; c < scores.columns; c += pattern.group)
          mark_least(from + c, pattern.group, pattern.group - pattern.keep, to + c);
    }
  });
}

Weight with_zeros(const Weight& weight, const Mask& mask, ThreadPool& pool) {
  Tensor values = Tensor::zeros(DType::kF32, weight.shape);
  float* const out = values.mutable_data<float>();
  for_rows_of_panels(mask.n, &pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      float* const row = out + r * mask.k;
      decode_row(weight, r, row);
      for (std::int64_t c = 0; c < mask.k; ++c)
        if (mask.at(r, c)) row[c] = 0;
    }
  });
  return weight_from_tensor(weight.name, values);
}

}  // namespace swiftlet
