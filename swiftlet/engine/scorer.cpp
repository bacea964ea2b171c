#include "swiftlet/engine/scorer.h"

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::shared_ptr<const Program> compile_scorer(const LoadedModel& model, std::int64_t max_length) {
  if (model.built.kind != models::Kind::kDecoder)
    fail(ErrorCode::kUnsupported, model.checkpoint.source, "is an encoder; likelihoods need a decoder");
  require(max_length >= 1 && max_length <= model.built.max_positions, model.checkpoint.source,
          "a context of {} tokens is not in 1..{}", max_length, model.built.max_positions);
  return model.compile_program({{"tokens", max_length}, {"outputs", max_length}});
}

}  // namespace

Scorer::Scorer(std::shared_ptr<LoadedModel> model, std::int64_t max_length)
    : model_(std::move(model)),
      max_length_(max_length),
      vocab_size_(model_->built.vocab_size),
      program_(compile_scorer(*model_, max_length)),
      executor_(program_, model_->weights, model_->pool),
      step_(program_) {}

std::span<const float> Scorer::logits(std::span<const std::int32_t> tokens) {
  model_->check_ids(tokens);
  step_.clear();
  step_.add(tokens, OutputRows::kAll);
  executor_.run(step_.inputs());
  return {static_cast<const float*>(executor_.output(0).data),
          tokens.size() * static_cast<std::size_t>(vocab_size_)};
}

}  // namespace swiftlet
