// Scorer: logits of every position of whole sequences: what perplexity, divergence and likelihood tasks need.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/engine/step_builder.h"

namespace swiftlet {

class Scorer {
 public:
  // Sequences of up to `max_length` tokens. Throws kUnsupported when the model is no decoder.
  Scorer(std::shared_ptr<LoadedModel> model, std::int64_t max_length);

  // Logits [T, V] of one sequence; row t predicts token t + 1. Valid until the next call.
  std::span<const float> logits(std::span<const std::int32_t> tokens);
  std::int64_t vocab_size() const { return vocab_size_; }
  std::int64_t max_length() const { return max_length_; }

 private:
  std::shared_ptr<LoadedModel> model_;
  std::int64_t max_length_, vocab_size_;
  std::shared_ptr<const Program> program_;
  Executor executor_;
  StepBuilder step_;
};

}  // namespace swiftlet
