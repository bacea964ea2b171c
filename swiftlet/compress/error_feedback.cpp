#include "swiftlet/compress/error_feedback.h"

#include <numeric>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::vector<std::int64_t> order_of_places(const SecondMoments& moments, bool by_activation) {
  std::vector<std::int64_t> columns(static_cast<std::size_t>(moments.k()));
  std::iota(columns.rbegin(), columns.rend(), 0);  // column 0 last: it is set first
  if (by_activation)
    std::stable_sort(columns.begin(), columns.end(),
                     [&](std::int64_t a, std::int64_t b) { return moments.at(a, a) < moments.at(b, b); });
  return columns;
}

double mean_diagonal(const SecondMoments& moments) {
  double sum = 0;
  for (std::int64_t i = 0; i < moments.k(); ++i) sum += moments.at(i, i);
  return sum / static_cast<double>(moments.k());
}

}  // namespace

ErrorFeedback::ErrorFeedback(Dense& dense, const SecondMoments& moments, const FeedbackOptions& options,
                             const std::string& where)
    : k_(moments.k()),
      damping_(options.damping),
      in_own_order_(!options.activation_order),
      columns_(order_of_places(moments, options.activation_order)),
      factor_(static_cast<std::size_t>(k_ * k_)),
      pivots_(static_cast<std::size_t>(k_)) {
  const Matrix factor{factor_.data(), k_, k_, k_};
  const double mean = mean_diagonal(moments);
  for (;; damping_ = std::max(10 * damping_, 1e-4)) {
    dense.pool().parallel_for(k_, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        for (std::int64_t c = 0; c <= r; ++c) factor.row(r)[c] = moments.at(column(r), column(c));
        factor.row(r)[r] += static_cast<float>(damping_ * mean);
      }
    });
    if (dense.cholesky(factor)) break;
    if (!(damping_ < 1))
      fail(ErrorCode::kInvalid, where, "the moments of its input are not positive definite ({} rows)",
           moments.rows());
  }
  std::vector<float> inverse(static_cast<std::size_t>(k_));
  for (std::int64_t c = 0; c < k_; ++c) {
    const float root = factor.row(c)[c];
    inverse[static_cast<std::size_t>(c)] = 1 / root;
    pivots_[static_cast<std::size_t>(c)] = root * root;
  }
  dense.pool().parallel_for(k_, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      for (std::int64_t c = 0; c < r; ++c) factor.row(r)[c] *= inverse[static_cast<std::size_t>(c)];
  });
}

void ErrorFeedback::look_ahead(const MovedBlock& moved, std::int64_t row, std::int64_t place,
                               std::int64_t count, float* values) const {
  const std::int64_t first = place - count + 1;
  for (std::int64_t i = 0; i < count; ++i) values[i] = moved.at(row, place - i);
  for (std::int64_t i = 0; i < count; ++i) {
    const float error = moved.weights[row * k_ + place - i] - values[i];
    const float* const share = factor_.data() + (place - i) * k_ + first;
    for (std::int64_t j = i + 1; j < count; ++j) values[j] += error * share[count - 1 - j];
  }
}

std::vector<float> ErrorFeedback::by_places(const Weight& weight, ThreadPool& pool) const {
  SWIFTLET_ASSERT(weight.shape[1] == k_);
  const std::int64_t n = weight.shape[0];
  std::vector<float> out(static_cast<std::size_t>(n * k_));
  for_rows_of_panels(n, &pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(k_));
    for (std::int64_t r = begin; r < end; ++r) {
      decode_row(weight, r, row.data());
      for (std::int64_t place = 0; place < k_; ++place)
        out[static_cast<std::size_t>(r * k_ + place)] = row[static_cast<std::size_t>(column(place))];
    }
  });
  return out;
}

void ErrorFeedback::move_by_set(Dense& dense, const std::vector<float>& lost, const MovedBlock& block,
                                std::vector<float>& moves) const {
  const std::int64_t width = block.end - block.begin, done = k_ - block.end;
  std::fill(moves.begin(), moves.end(), 0.0f);
  if (done == 0) return;
  std::vector<float> piece(static_cast<std::size_t>(width * done));
  for (std::int64_t i = 0; i < done; ++i)
    for (std::int64_t c = 0; c < width; ++c)
      piece[static_cast<std::size_t>(c * done + i)] =
          factor_[static_cast<std::size_t>((block.end + i) * k_ + block.begin + c)];
  dense.multiply_transposed({lost.data() + block.end, block.rows, done, k_},
                            {piece.data(), width, done, done}, {moves.data(), block.rows, width, block.ld});
}

}  // namespace swiftlet
