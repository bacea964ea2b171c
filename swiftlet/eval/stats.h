// Summaries of a list of values: compensated sum, mean, quantile. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace swiftlet {

// A sum whose error does not grow with the number of terms (Neumaier's variant of Kahan's summation).
// Infinities pass through as they do in plain addition.
class CompensatedSum {
 public:
  void add(double value);
  double value() const;

 private:
  double sum_ = 0;
  double correction_ = 0;
};

// The arithmetic mean. Throws kInvalid for an empty list.
double mean(std::span<const double> values);

// That of the values at these indices.
double mean_of(std::span<const double> values, std::span<const std::size_t> indices);

// The q-quantile (0 <= q <= 1) with linear interpolation between neighbours, as numpy.quantile does by
// default. Takes the values by copy since it sorts them. Throws kInvalid for an empty list, a NaN or q
// outside.
double quantile(std::vector<double> values, double q);

// The same of values that are sorted already, in constant time.
double sorted_quantile(std::span<const double> ascending, double q);

}  // namespace swiftlet
