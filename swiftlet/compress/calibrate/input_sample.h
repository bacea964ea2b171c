// InputSample: some rows of what a linear layer meets, and how large its channels are in all of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace swiftlet {

// Of an input [.., K]. Every so many rows are kept, evenly over all that come. Not thread-safe.
class InputSample {
 public:
  // total: rows that will come, at most `kept` of which are kept.
  InputSample(std::int64_t k, std::int64_t total, std::int64_t kept);

  // rows x [count, K], dense.
  void add(const float* x, std::int64_t count);
  // Divides channel c of all rows by s[c].
  void divide(std::span<const float> s);

  std::int64_t k() const { return k_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(values_.size()) / k_; }  // kept
  const std::vector<float>& values() const { return values_; }                          // [rows, K]
  // Of channel c over all rows, kept or not.
  float largest(std::int64_t c) const { return largest_[static_cast<std::size_t>(c)]; }  // max |x|
  bool finite() const;                                                                   // all of them
  double mean(std::int64_t c) const;                                                     // of |x|

 private:
  std::int64_t k_, every_, seen_ = 0;
  std::vector<float> values_, largest_;
  std::vector<double> sums_;
};

}  // namespace swiftlet
