#include "swiftlet/compress/quantize/round_to_nearest.h"

#include <cmath>

namespace swiftlet {

QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic) {
  QuantizedWeight result{.weight = encode(weight, encoding)};
  result.weight.arithmetic = arithmetic;
  const std::int64_t rows = weight.shape[0], columns = weight.shape[1];
  std::vector<float> before(static_cast<std::size_t>(columns)), after(before.size());
  double difference = 0, norm = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    decode_row(weight, row, before.data());
    decode_row(result.weight, row, after.data());
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double error = double{after[i]} - before[i];
      difference += error * error;
      norm += double{before[i]} * before[i];
    }
  }
  result.relative_error = norm > 0 ? std::sqrt(difference / norm) : 0;
  return result;
}

}  // namespace swiftlet
