// Correlation of two lists of scores: how STS-B quality is reported. Pure functions, any thread.
//
// Both throw kInvalid naming the fault: lists of different lengths, fewer than two points, a value that is
// not finite (with its place), a list without any variation (the coefficient is undefined there).
#pragma once

#include <span>
#include <vector>

namespace swiftlet {

// Pearson's r in [-1, 1].
double pearson(std::span<const double> x, std::span<const double> y);

// Spearman's rho: Pearson's r of the ranks, ties sharing the average of their ranks (scipy.stats.spearmanr).
double spearman(std::span<const double> x, std::span<const double> y);

// Ranks from 1, ties sharing the average of theirs: {10, 20, 10} -> {1.5, 3, 1.5}. Values must not be NaN.
std::vector<double> average_ranks(std::span<const double> values);

}  // namespace swiftlet
