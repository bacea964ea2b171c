#include "swiftlet/compress/prune/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {

std::vector<float> scaled_magnitudes(const Weight& weight, const std::vector<float>& factors,
                                     ThreadPool& pool) {
  const std::int64_t n = weight.shape[0], k = weight.shape[1];
  std::vector<float> scores(static_cast<std::size_t>(n * k));
  for_rows_of_panels(n, &pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::span row(scores.data() + r * k, static_cast<std::size_t>(k));
      decode_row(weight, r, row.data());
      check_finite(weight, r, row);
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = std::fabs(row[c]) * factors[c];
    }
  });
  return scores;
}

double share_of_zeros(const Weight& weight, ThreadPool& pool) {
  const std::int64_t n = weight.shape[0], k = weight.shape[1];
  std::vector<std::int64_t> zeros(static_cast<std::size_t>(n));
  for_rows_of_panels(n, &pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(k));
    for (std::int64_t r = begin; r < end; ++r) {
      decode_row(weight, r, row.data());
      zeros[static_cast<std::size_t>(r)] = std::count(row.begin(), row.end(), 0.0f);
    }
  });
  return static_cast<double>(std::accumulate(zeros.begin(), zeros.end(), std::int64_t{0})) /
         static_cast<double>(n * k);
}

}  // namespace swiftlet
