// HeadRunner: sequences of tokens to the logits of a model's head, in ragged batches without padding. What
// all tasks stand on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/job.h"

namespace swiftlet::tasks {

struct HeadInput {
  std::vector<std::int32_t> ids, types;  // no types: all 0
  std::vector<std::int32_t> rows;        // masked LM: the tokens whose words are wanted
};

// Throws kUnsupported unless the model ends in the head that `command` needs: one line that says which head
// it has and which one is needed.
void require_head(const LoadedModel& model, models::Task task, std::string_view command);

// One thread at a time.
class HeadRunner {
 public:
  // REQUIRES: the model has a head.
  explicit HeadRunner(std::shared_ptr<LoadedModel> model);

  const LoadedModel& model() const { return *model_; }
  const models::Head& head() const { return *model_->built.head; }
  // Tokens that a sequence may have, special ones included.
  std::int64_t max_length() const { return max_length_; }
  std::int64_t width() const { return width_; }  // columns of the logits

  // A text or a pair as the tokenizer has it, for this model: with the segments that it reads. Throws
  // kInvalid for tokens that it does not know.
  HeadInput input_of(const TokenizedText& text) const;

  // Gives the logits of every sequence to `receive`, in their order: [1, width] of a head that reads the
  // whole sequence, else a row for each token or for each of `rows`. The span is valid during the call.
  // Throws kInvalid for a sequence over max_length().
  using Receive = std::function<void(std::size_t index, std::span<const float> logits)>;
  void run(std::span<const HeadInput> inputs, const Receive& receive, const Job& job = {});

 private:
  void reserve(std::int64_t tokens);
  void flush(std::span<const HeadInput> inputs, std::size_t end, const Receive& receive);
  std::size_t rows_of(const HeadInput& input) const;

  std::shared_ptr<LoadedModel> model_;
  std::int64_t max_length_ = 0, width_ = 0, capacity_ = 0;
  bool has_types_ = false;
  std::shared_ptr<const Program> program_;
  std::optional<Executor> executor_;
  std::optional<StepBuilder> step_;
  std::size_t begin_ = 0;  // first sequence of the step
};

}  // namespace swiftlet::tasks
