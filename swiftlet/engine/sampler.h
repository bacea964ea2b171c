// Choosing the next token from a row of logits on the host.
//
// The order of the filters is that of transformers:
//   1. temperature   logits / temperature; 0 takes the largest logit (greedy), the lowest id among equals
//   2. top-k         keeps the k largest; whatever equals the k-th stays too
//   3. top-p         keeps the fewest tokens, from the most probable down (the lower id first among equals),
//                    whose probabilities sum up to p (Holtzman et al., "The curious case of neural text
//                    degeneration", 2019); always at least one
//   4. min-p         keeps the tokens that are at least min-p times as probable as the likeliest (Nguyen et
//                    al., "Turning up the heat: min-p sampling", 2024)
//   5. typical-p     keeps the tokens whose surprise is closest to the entropy, until their probabilities sum
//                    up to p; whatever is as close as the last stays too (Meister et al., "Locally typical
//                    sampling", 2022)
// Mirostat (Basu et al., 2021) takes the place of 2 to 5: it keeps the tokens whose surprise is below a bound
// that follows the text, so that its mean surprise stays near a target.
// Then one token is drawn from what remains. The draw is a number that the caller takes from
// uniform(seed, sequence, position) (core/rng.h), so a sample does not depend on the batch it ran in.
//
// Functions are pure up to the scratch and the state, which belong to one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace swiftlet {

struct SamplingOptions {
  float temperature = 0;      // >= 0; 0: greedy
  int top_k = 0;              // >= 0; 0: all
  float top_p = 1;            // in (0, 1]; 1: all
  float min_p = 0;            // in [0, 1]; 0: all
  float typical_p = 1;        // in (0, 1]; 1: all
  int mirostat = 0;           // 0: none; 1, 2: the version
  float mirostat_tau = 5;     // > 0: target of the surprise, bits
  float mirostat_eta = 0.1f;  // > 0: how fast the bound follows
  std::uint64_t seed = 0;     // for the caller's draws

  bool greedy() const { return temperature == 0; }
};

// Throws kUsage naming the option that is out of range or that another one makes meaningless. sample() trusts
// checked options.
void check(const SamplingOptions& options);

// A token that passed the filters, with its share of `total` as probability.
struct Candidate {
  std::int32_t token = 0;
  float logit = 0;
  double weight = 0;  // exp((logit - largest) / temperature)
};

// Memory that samples reuse: nothing is allocated after the first row of the largest vocabulary.
struct SamplerScratch {
  std::vector<Candidate> candidates;
};

// What a sequence carries from token to token.
struct SamplerState {
  explicit SamplerState(const SamplingOptions& options = {}) : bound(2 * options.mirostat_tau) {}
  double bound;  // mirostat's, on the surprise of a token in bits
};

// The tokens that remain after the filters, with weights, in a fixed order; the sum of their weights is the
// normaliser. For temperature > 0. Throws kInvalid for an empty row, NaN, +inf, or nothing but -inf. [V]
// logits.
std::span<const Candidate> filter(std::span<const float> logits, const SamplingOptions& options,
                                  SamplerScratch& scratch, const SamplerState& state = SamplerState());

// The chosen token id. `draw` lies in [0, 1); greedy choice ignores it. Throws as filter() does.
std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, double draw,
                    SamplerScratch& scratch, SamplerState& state);

}  // namespace swiftlet
