// What a model thought of a token that it generated.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace swiftlet {

// Natural logarithms of probabilities by the model itself: before penalties, temperature and filters.
struct TokenLogprobs {
  float logprob = 0;                                // of the token that was chosen
  std::vector<std::pair<std::int32_t, float>> top;  // token and logarithm, the likeliest first
};

}  // namespace swiftlet
