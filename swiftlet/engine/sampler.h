// Choosing the next token from a row of logits on the host.
//
// The order of the filters is that of transformers:
//   1. temperature   logits / temperature; 0 takes the largest logit (greedy), the lowest id among equals
//   2. top-k         keeps the k largest; whatever equals the k-th stays too
//   3. top-p         keeps the fewest tokens, from the most probable down (the lower id first among equals),
//   whose
//                    probabilities sum up to p (Holtzman et al., "The curious case of neural text
//                    degeneration", 2019); always at least one
// then one token is drawn from what remains. The draw is a number that the caller takes from
// uniform(seed, sequence, position) (core/rng.h), so a sample does not depend on the batch it ran in.
//
// Functions are pure up to the scratch, which belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace swiftlet {

struct SamplingOptions {
  float temperature = 0;   // >= 0; 0: greedy
  int top_k = 0;           // >= 0; 0: all
  float top_p = 1;         // in (0, 1]; 1: all
  std::uint64_t seed = 0;  // for the caller's draws

  bool greedy() const { return temperature == 0; }
};

// Throws kUsage naming the option that is out of range. sample() trusts checked options.
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

// The tokens that remain after the filters, with weights, in a fixed order; the sum of their weights is the
// normaliser. For temperature > 0. Throws kInvalid for an empty row, NaN, +inf, or nothing but -inf. [V]
// logits.
std::span<const Candidate> filter(std::span<const float> logits, const SamplingOptions& options,
                                  SamplerScratch& scratch);

// The chosen token id. `draw` lies in [0, 1); greedy choice ignores it. Throws as filter() does.
std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, double draw,
                    SamplerScratch& scratch);

}  // namespace swiftlet
