// Rows of logits as distributions. A row is f32 [V]; -inf is a token of probability 0; NaN, +inf, an empty
// row and one of nothing but -inf throw kInvalid naming `where`. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace swiftlet {

// Index of the largest logit, the lowest of equals.
std::size_t top_logit(std::span<const float> logits, std::string_view where);

// log(sum(exp(logits))) in double, stable for any magnitude.
double log_sum_exp(std::span<const float> logits, std::string_view where);

}  // namespace swiftlet
