#include "swiftlet/compress/quantize/round_to_nearest.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "swiftlet/core/parallel_each.h"

namespace swiftlet {
namespace {

// Sums of squares of some rows.
struct Squares {
  double difference = 0, norm = 0;
};

Squares compare_rows(const Weight& before, const Weight& after, std::int64_t begin, std::int64_t end) {
  Squares sums;
  std::vector<float> x(static_cast<std::size_t>(before.shape[1])), y(x.size());
  for (std::int64_t row = begin; row < end; ++row) {
    decode_row(before, row, x.data());
    decode_row(after, row, y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = double{y[i]} - x[i];
      sums.difference += error * error;
      sums.norm += double{x[i]} * x[i];
    }
  }
  return sums;
}

double relative_error(const Weight& before, const Weight& after, ThreadPool& pool) {
  const std::int64_t rows = before.shape[0];
  std::vector<Squares> parts(static_cast<std::size_t>((rows + kPanelRows - 1) / kPanelRows));
  parallel_each(pool, parts.size(), [&](std::size_t i) {
    const std::int64_t begin = static_cast<std::int64_t>(i) * kPanelRows;
    parts[i] = compare_rows(before, after, begin, std::min(begin + kPanelRows, rows));
  });
  Squares total;
  for (const Squares& part : parts) {
    total.difference += part.difference;
    total.norm += part.norm;
  }
  return total.norm > 0 ? std::sqrt(total.difference / total.norm) : 0;
}

}  // namespace

QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic,
                                 ThreadPool& pool) {
  QuantizedWeight result{.weight = encode(weight, encoding, &pool)};
  result.weight.arithmetic = arithmetic;
  result.relative_error = relative_error(weight, result.weight, pool);
  return result;
}

}  // namespace swiftlet
