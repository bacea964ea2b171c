// What the kernel tests share: reproducible values, guarded and misaligned memory, comparison that names the
// worst element. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "swiftlet/core/rng.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {

// Uniform in [-range, range).
inline std::vector<float> random_values(std::int64_t count, std::uint64_t seed, double range = 1.0) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((2 * uniform(seed, 0, i) - 1) * range);
  return values;
}

// `count` floats that start one float behind a 64-byte boundary, with sentinels on both sides.
class Guarded {
 public:
  explicit Guarded(std::int64_t count, float fill = 0)
      : count_(static_cast<std::size_t>(count)), memory_(count_ + 2 * kMargin, kSentinel) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    begin_ = kMargin / 2 + (64 - (address + kMargin / 2 * 4) % 64) / 4 % 16 + 1;
    for (std::int64_t i = 0; i < count; ++i) data()[i] = fill;
  }
  explicit Guarded(const std::vector<float>& values) : Guarded(static_cast<std::int64_t>(values.size())) {
    if (!values.empty()) std::memcpy(data(), values.data(), values.size() * sizeof(float));
  }
  float* data() { return memory_.data() + begin_; }
  float& operator[](std::int64_t i) { return data()[i]; }
  std::vector<float> values() { return {data(), data() + count_}; }
  // Whether nothing was written outside.
  bool intact() const {
    for (std::size_t i = 0; i < memory_.size(); ++i)
      if ((i < begin_ || i >= begin_ + count_) && memory_[i] != kSentinel) return false;
    return true;
  }

 private:
  static constexpr std::size_t kMargin = 64;
  static constexpr float kSentinel = -12345.5f;
  std::size_t count_;
  std::vector<float> memory_;
  std::size_t begin_ = 0;
};

// Each element within bound(i) of the reference; NaN and infinities must agree. Names the worst element.
template <class Bound>
testing::AssertionResult near(const std::vector<float>& actual, const std::vector<double>& expected,
                              Bound&& bound) {
  if (actual.size() != expected.size())
    return testing::AssertionFailure() << actual.size() << " elements, expected " << expected.size();
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i], e = expected[i];
    double excess = std::abs(a - e) / bound(i);
    if (std::isnan(e) || std::isnan(a))
      excess = std::isnan(e) == std::isnan(a) ? 0 : HUGE_VAL;
    else if (std::isinf(e) || std::isinf(a) || a == e)
      excess = a == e ? 0 : HUGE_VAL;
    if (excess > worst) worst = excess, at = i;
  }
  if (worst <= 1) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "worst element " << at << ": " << actual[at] << ", expected "
                                     << expected[at] << ", " << worst << " times the bound";
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

inline std::string table_name(const testing::TestParamInfo<const KernelTable*>& info) {
  return std::string(info.param->isa);
}

}  // namespace swiftlet::kernels
