#include "swiftlet/compress/quantize/quantized_weight.h"

#include <cmath>
#include <vector>

#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

struct Squares {
  double difference = 0, norm = 0;  // sums
};

double relative_error(const Weight& before, const Weight& after, ThreadPool& pool) {
  std::vector<Squares> rows(static_cast<std::size_t>(before.shape[0]));
  for_rows_of_panels(before.shape[0], &pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> x(static_cast<std::size_t>(before.shape[1])), y(x.size());
    for (std::int64_t row = begin; row < end; ++row) {
      decode_row(before, row, x.data());
      decode_row(after, row, y.data());
      Squares& sums = rows[static_cast<std::size_t>(row)];
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = double{y[i]} - x[i];
        sums.difference += error * error;
        sums.norm += double{x[i]} * x[i];
      }
    }
  });
  Squares total;
  for (const Squares& row : rows) {
    total.difference += row.difference;
    total.norm += row.norm;
  }
  return total.norm > 0 ? std::sqrt(total.difference / total.norm) : 0;
}

}  // namespace

QuantizedWeight with_error(const Weight& before, Weight after, ThreadPool& pool) {
  const double error = relative_error(before, after, pool);
  return {.weight = std::move(after), .relative_error = error};
}

}  // namespace swiftlet
