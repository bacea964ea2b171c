// Beam search: of the continuations of a prompt, the likeliest that `beams` parallel hypotheses find.
//
// The definition is that of transformers: of all hypotheses with one token more, those that end are kept when
// they are among the best `beams`, scored by log-probability / length^length_penalty (the end token counts);
// of the others the best `beams` go on. Beams share the cache of what they have in common.
// Graves, Sequence Transduction with Recurrent Neural Networks, 2012; the length penalty as in Wu et al.,
// Google's Neural Machine Translation System, 2016, without its constant.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "swiftlet/engine/logits_processor.h"
#include "swiftlet/engine/model.h"
#include "swiftlet/engine/paged_cache.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/job.h"

namespace swiftlet {

// When the search ends before every beam has reached the limit of tokens: with `beams` hypotheses that ended
// and
enum class EarlyStopping : std::uint8_t {
  kUnlikely,  // no running beam better than the worst of them, were it as long as it is now
  kYes,       // nothing else
  kNever,     // no running beam better than the worst of them at any length that is left
};

struct BeamOptions {
  int beams = 4;
  int n_best = 1;  // hypotheses that come back, at most `beams`
  double length_penalty = 1;
  EarlyStopping early_stopping = EarlyStopping::kUnlikely;
  std::int64_t max_new_tokens = 128;
  std::int64_t context = 0;  // as EngineOptions
  LogitsOptions logits = {};
  bool ignore_eos = false;
  std::vector<std::int32_t> end_tokens = {};  // beside those of the model
};

struct Hypothesis {
  std::vector<std::int32_t> tokens;  // generated; an end token is not among them
  double score = 0;                  // log-probability / length^length_penalty
  bool ended = false;                // by an end token, not by the limit
};

// Throws kUsage for options out of range, kInvalid as Engine::submit, kUnsupported for an encoder,
// kCancelled. One thread at a time for a model.
std::vector<Hypothesis> beam_search(const std::shared_ptr<LoadedModel>& model,
                                    std::span<const std::int32_t> prompt, const BeamOptions& options,
                                    const Job& job = {});

}  // namespace swiftlet
