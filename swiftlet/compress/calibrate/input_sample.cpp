#include "swiftlet/compress/calibrate/input_sample.h"

#include <algorithm>
#include <cmath>

namespace swiftlet {

InputSample::InputSample(std::int64_t k, std::int64_t total, std::int64_t kept)
    : k_(k),
      every_(std::max<std::int64_t>(1, (total + kept - 1) / kept)),
      largest_(static_cast<std::size_t>(k)),
      sums_(static_cast<std::size_t>(k)) {}

void InputSample::add(const float* x, std::int64_t count) {
  for (std::int64_t r = 0; r < count; ++r, ++seen_, x += k_) {
    if (seen_ % every_ == 0) values_.insert(values_.end(), x, x + k_);
    for (std::size_t c = 0; c < largest_.size(); ++c) {
      const float size = std::fabs(x[c]);
      largest_[c] = std::max(largest_[c], size);
      sums_[c] += size;
    }
  }
}

void InputSample::divide(std::span<const float> s) {
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] /= s[i % s.size()];
  for (std::size_t c = 0; c < largest_.size(); ++c) {
    largest_[c] /= s[c];
    sums_[c] /= s[c];
  }
}

bool InputSample::finite() const {
  return std::all_of(sums_.begin(), sums_.end(), [](double sum) { return std::isfinite(sum); });
}

double InputSample::mean(std::int64_t c) const {
  return seen_ > 0 ? sums_[static_cast<std::size_t>(c)] / static_cast<double>(seen_) : 0;
}

}  // namespace swiftlet
