#include "swiftlet/tasks/head_runner.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet::tasks {
namespace {

// Enough rows to feed the matrix kernels from cache-sized panels; more only adds memory.
constexpr std::int64_t kBatchTokens = 1024;

// Tokenizers say which inputs their model was trained with.
bool reads_types(const LoadedModel& model) {
  if (model.built.token_types < 2) return false;
  const auto names = model.checkpoint.tokenizer.config.strings("model_input_names");
  return names.empty() || std::find(names.begin(), names.end(), "token_type_ids") != names.end();
}

}  // namespace

void require_head(const LoadedModel& model, models::Task task, std::string_view command) {
  const models::BuiltModel& built = model.built;
  const std::string& source = model.checkpoint.source;
  const auto needs = fmt::format("{} needs one for {}", command, models::to_string(task));
  if (built.head && built.head->task == task) return;
  if (built.head)
    fail(ErrorCode::kUnsupported, source, "has a head for {} ({}); {}", models::to_string(built.head->task),
         built.head->architecture, needs);
  if (!built.unknown_head.empty())
    fail(ErrorCode::kUnsupported, source, "has the head of {}, which is not known (known are {}); {}",
         built.unknown_head, models::known_heads(model.checkpoint.config), needs);
  const bool decoder = built.kind == models::Kind::kDecoder,
             sentence = !!model.checkpoint.sentence_transformer;
  fail(ErrorCode::kUnsupported, source, "is {} without a head; {}",
       decoder    ? "a decoder"
       : sentence ? "a sentence encoder"
                  : "a plain encoder",
       needs);
}

HeadRunner::HeadRunner(std::shared_ptr<LoadedModel> model)
    : model_(std::move(model)), max_length_(model_->max_sequence_length()), has_types_(reads_types(*model_)) {
  reserve(std::min(kBatchTokens, max_length_));
  width_ = program_->outputs[0].shape.back().constant;
}

// Contexts can be far longer than any text that comes, so the memory grows with the texts.
void HeadRunner::reserve(std::int64_t tokens) {
  if (tokens <= capacity_) return;
  capacity_ = std::max(kBatchTokens, capacity_);
  while (capacity_ < tokens) capacity_ = std::min(2 * capacity_, std::max(max_length_, kBatchTokens));
  program_ =
      model_->compile_program({{"tokens", capacity_}, {"sequences", capacity_}, {"outputs", capacity_}});
  executor_.emplace(program_, model_->weights, model_->pool);
  step_.emplace(program_);
}

HeadInput HeadRunner::input_of(const TokenizedText& text) const {
  model_->check_ids(text.ids);
  HeadInput input{.ids = text.ids};
  if (has_types_) {
    input.types = text.type_ids;
    for (std::int32_t& type : input.types)
      type = std::clamp(type, 0, static_cast<std::int32_t>(model_->built.token_types) - 1);
  }
  // What is read at the last token is read at the last one that is no padding.
  const auto pad = model_->checkpoint.generation.pad_token_id;
  if (head().reads_last && pad)
    while (input.ids.size() > 1 && input.ids.back() == *pad) input.ids.pop_back();
  if (has_types_) input.types.resize(input.ids.size());
  return input;
}

std::size_t HeadRunner::rows_of(const HeadInput& input) const {
  switch (head().task) {
    case models::Task::kMaskedLm:
      return input.rows.size();
    case models::Task::kToken:
    case models::Task::kQuestion:
      return input.ids.size();
    default:
      return 1;
  }
}

void HeadRunner::run(std::span<const HeadInput> inputs, const Receive& receive, const Job& job) {
  const auto count = static_cast<std::int64_t>(inputs.size());
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto length = static_cast<std::int64_t>(inputs[i].ids.size());
    require(length > 0, model_->checkpoint.source, "text {} has no tokens", i + 1);
    require(length <= max_length_, model_->checkpoint.source,
            "text {} has {} tokens, at most {} are possible", i + 1, length, max_length_);
    longest = std::max(longest, length);
  }
  reserve(longest);
  step_->clear();
  begin_ = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto length = static_cast<std::int64_t>(inputs[i].ids.size());
    if (step_->tokens() > 0 && step_->tokens() + length > kBatchTokens) {
      flush(inputs, i, receive);
      job.step("texts", static_cast<std::int64_t>(i), count);
    }
    step_->add_rows(inputs[i].ids, inputs[i].types, inputs[i].rows);
  }
  flush(inputs, inputs.size(), receive);
  job.step("texts", count, count);
}

void HeadRunner::flush(std::span<const HeadInput> inputs, std::size_t end, const Receive& receive) {
  if (step_->tokens() > 0) executor_->run(step_->inputs());
  const auto* logits = static_cast<const float*>(executor_->output_data(0));
  for (; begin_ < end; ++begin_) {
    const std::size_t values = rows_of(inputs[begin_]) * static_cast<std::size_t>(width_);
    receive(begin_, {logits, values});
    logits += values;
  }
  step_->clear();
}

}  // namespace swiftlet::tasks
