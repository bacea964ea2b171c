#include "swiftlet/compress/quantize/gptq.h"

#include <algorithm>
#include <numeric>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kBlock = 128;  // columns between two products

std::vector<std::int64_t> order_of_places(const SecondMoments& moments, bool by_activation) {
  std::vector<std::int64_t> columns(static_cast<std::size_t>(moments.k()));
  std::iota(columns.rbegin(), columns.rend(), 0);  // column 0 last: it is rounded first
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

// A matrix by places, in f32.
std::vector<float> by_places(const Weight& weight, const std::vector<std::int64_t>& columns,
                             ThreadPool& pool) {
  const std::int64_t n = weight.shape[0], k = weight.shape[1];
  std::vector<float> out(static_cast<std::size_t>(n * k));
  for_rows_of_panels(n, &pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(k));
    for (std::int64_t r = begin; r < end; ++r) {
      decode_row(weight, r, row.data());
      for (std::int64_t place = 0; place < k; ++place)
        out[static_cast<std::size_t>(r * k + place)] =
            row[static_cast<std::size_t>(columns[static_cast<std::size_t>(place)])];
    }
  });
  return out;
}

}  // namespace

Gptq::Gptq(Dense& dense, const SecondMoments& moments, const GptqOptions& options, const std::string& where)
    : k_(moments.k()),
      damping_(options.damping),
      columns_(order_of_places(moments, options.activation_order)),
      factor_(static_cast<std::size_t>(k_ * k_)) {
  const Matrix factor{factor_.data(), k_, k_, k_};
  const double mean = mean_diagonal(moments);
  for (;; damping_ = std::max(10 * damping_, 1e-4)) {
    dense.pool().parallel_for(k_, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        for (std::int64_t c = 0; c <= r; ++c)
          factor.row(r)[c] =
              moments.at(columns_[static_cast<std::size_t>(r)], columns_[static_cast<std::size_t>(c)]);
        factor.row(r)[r] += static_cast<float>(damping_ * mean);
      }
    });
    if (dense.cholesky(factor)) break;
    if (!(damping_ < 1))
      fail(ErrorCode::kInvalid, where, "the moments of its input are not positive definite ({} rows)",
           moments.rows());
  }
  std::vector<float> inverse(static_cast<std::size_t>(k_));
  for (std::int64_t c = 0; c < k_; ++c) inverse[static_cast<std::size_t>(c)] = 1 / factor.row(c)[c];
  dense.pool().parallel_for(k_, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      for (std::int64_t c = 0; c < r; ++c) factor.row(r)[c] *= inverse[static_cast<std::size_t>(c)];
  });
}

Weight Gptq::round(Dense& dense, const Weight& weight, const Encoding& encoding,
                   const GroupScales& scales) const {
  const std::int64_t n = weight.shape[0];
  SWIFTLET_ASSERT(weight.shape[1] == k_);
  ThreadPool& pool = dense.pool();
  IntegerWeightBuilder builder(weight.name, encoding, n, k_);
  const PanelGeometry& g = builder.geometry();
  for_rows_of_panels(n, &pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      for (std::int64_t i = 0; i < g.groups; ++i)
        builder.set_group(r, i, scales[static_cast<std::size_t>(r * g.groups + i)]);
  });
  const std::vector<float> original = by_places(weight, columns_, pool);
  std::vector<float> lost(original.size());  // w - q, by places
  std::vector<float> feedback(static_cast<std::size_t>(n * kBlock)), piece;
  for (std::int64_t end = k_; end > 0;) {
    const std::int64_t begin = std::max<std::int64_t>(0, end - kBlock), width = end - begin, done = k_ - end;
    // What the columns that are rounded already give to these.
    std::fill(feedback.begin(), feedback.end(), 0.0f);
    if (done > 0) {
      piece.resize(static_cast<std::size_t>(width * done));
      for (std::int64_t i = 0; i < done; ++i)
        for (std::int64_t c = 0; c < width; ++c)
          piece[static_cast<std::size_t>(c * done + i)] =
              factor_[static_cast<std::size_t>((end + i) * k_ + begin + c)];
      dense.multiply_transposed({lost.data() + end, n, done, k_}, {piece.data(), width, done, done},
                                {feedback.data(), n, width, kBlock});
    }
    for_rows_of_panels(n, &pool, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const float* const w = original.data() + r * k_ + begin;
        float* const e = lost.data() + r * k_ + begin;
        float* const add = feedback.data() + r * kBlock;
        for (std::int64_t i = width; i-- > 0;) {
          const std::int64_t column = columns_[static_cast<std::size_t>(begin + i)];
          const GroupScale& scale = scales[static_cast<std::size_t>(r * g.groups + column / g.group)];
          const int code = nearest_code(encoding, scale, w[i] + add[i]);
          builder.set_code(r, column, code);
          e[i] = w[i] - code_value(scale, code);
          const float* const share = factor_.data() + (begin + i) * k_ + begin;
          for (std::int64_t c = 0; c < i; ++c) add[c] += e[i] * share[c];
        }
      }
    });
    end = begin;
  }
  return std::move(builder).finish();
}

}  // namespace swiftlet
