#include "swiftlet/engine/encoder.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/core/parallel_each.h"
#include "swiftlet/text/normalizer.h"

namespace swiftlet {
namespace {

// Enough rows to feed the matrix kernels from cache-sized panels; more only adds memory.
constexpr std::int64_t kBatchTokens = 1024;

std::shared_ptr<LoadedModel> with_pooling(std::shared_ptr<LoadedModel> model) {
  if (model->built.kind == models::Kind::kEncoder && !model->checkpoint.sentence_transformer)
    fail(ErrorCode::kUnsupported, model->checkpoint.source,
         "is a plain encoder without pooling: modules.json of sentence-transformers is missing");
  return model;
}

}  // namespace

std::shared_ptr<const Program> encoder_program(const LoadedModel& model) {
  if (model.built.kind != models::Kind::kEncoder)
    fail(ErrorCode::kUnsupported, model.checkpoint.source, "is a decoder; embeddings need an encoder");
  const std::int64_t tokens = std::max(kBatchTokens, model.max_sequence_length());
  return model.compile_program({{"tokens", tokens}, {"sequences", tokens}, {"outputs", tokens}});
}

std::vector<std::int32_t> encode_sentence(const LoadedModel& model, std::string_view prompt,
                                          std::string_view text, std::int64_t max_length, bool* cut) {
  std::string prompted(prompt);
  prompted += text;
  const auto& sentence = model.checkpoint.sentence_transformer;
  if (sentence && sentence->do_lower_case) {
    text::NormalizedText lower(prompted);
    text::lower_case(lower);
    prompted = lower.text();
  }
  const auto most = static_cast<std::size_t>(max_length);
  std::vector<std::int32_t> ids = model.encode(prompted, {.max_tokens = most + 1});
  if (ids.size() <= most) return ids;
  if (cut != nullptr) *cut = true;
  return model.encode(prompted, {.max_tokens = most});
}

Encoder::Encoder(std::shared_ptr<LoadedModel> model)
    : model_(with_pooling(std::move(model))),
      max_length_(model_->max_sequence_length()),
      program_(encoder_program(*model_)),
      executor_(program_, model_->weights, model_->pool),
      step_(program_),
      width_(program_->outputs[0].shape.back().constant) {}

std::string Encoder::prompt(std::string_view name) const {
  const SentenceTransformer& sentence = *model_->checkpoint.sentence_transformer;
  if (name == "none" && !sentence.prompts.contains("none")) return "";
  if (name.empty()) name = sentence.default_prompt;
  if (name.empty()) return "";
  const auto found = sentence.prompts.find(std::string(name));
  if (found != sentence.prompts.end()) return found->second;
  std::string known;
  for (const auto& [prompt_name, text] : sentence.prompts) known += (known.empty() ? "" : ", ") + prompt_name;
  if (known.empty())
    fail(ErrorCode::kUsage, model_->checkpoint.source, "has no prompts, '{}' was asked for", name);
  fail(ErrorCode::kUsage, model_->checkpoint.source, "has no prompt '{}'; there are {}", name, known);
}

std::vector<std::int32_t> Encoder::tokenize(std::string_view text, bool* cut) const {
  return tokenize(prompt(""), text, cut);
}

std::vector<std::int32_t> Encoder::tokenize(std::string_view prompt, std::string_view text, bool* cut) const {
  return encode_sentence(*model_, prompt, text, max_length_, cut);
}

// Those that are not pooled: what the prompt alone gives, without the special token that closes it.
std::int32_t Encoder::prompt_tokens(std::string_view prompt) const {
  if (prompt.empty() || model_->checkpoint.sentence_transformer->include_prompt) return 0;
  const std::vector<std::int32_t> ids = tokenize(prompt, "", nullptr);
  const SpecialTokens& special = model_->require_tokenizer().special();
  const bool closed = !ids.empty() && (ids.back() == special.eos || ids.back() == special.sep);
  return static_cast<std::int32_t>(ids.size()) - (closed ? 1 : 0);
}

std::vector<float> Encoder::embed(std::span<const std::string> texts, const Job& job,
                                  std::string_view prompt_name) {
  const std::string prefix = prompt(prompt_name);
  std::vector<std::vector<std::int32_t>> sequences(texts.size());
  std::atomic<std::int64_t> cut_texts{0};
  parallel_each(*model_->pool, texts.size(), [&](std::size_t i) {
    if (job.cancelled()) return;
    bool cut = false;
    sequences[i] = tokenize(prefix, texts[i], &cut);
    if (cut) ++cut_texts;
  });
  if (job.cancelled()) job.step("tokenize", 0, 0);
  texts_cut_ = cut_texts;
  return embed_tokens(sequences, job, prompt_tokens(prefix));
}

std::vector<float> Encoder::embed_tokens(std::span<const std::vector<std::int32_t>> sequences, const Job& job,
                                         std::int32_t skipped) {
  std::vector<float> out(sequences.size() * static_cast<std::size_t>(width_));
  rows_.clear();
  const std::int64_t most_sequences = program_->maxima[program_->symbol("sequences")];
  step_.clear();
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto length = static_cast<std::int64_t>(sequences[i].size());
    require(length <= max_length_, model_->checkpoint.source,
            "text {} has {} tokens, at most {} are possible", i, length, max_length_);
    if (step_.tokens() + length > std::max(kBatchTokens, length) ||
        static_cast<std::int64_t>(rows_.size()) == most_sequences) {
      flush(out);
      job.step("embed", static_cast<std::int64_t>(i), static_cast<std::int64_t>(sequences.size()));
    }
    step_.add(sequences[i], OutputRows::kNone);
    step_.skip(skipped);
    rows_.push_back(i);
  }
  flush(out);
  job.step("embed", static_cast<std::int64_t>(sequences.size()), static_cast<std::int64_t>(sequences.size()));
  return out;
}

void Encoder::flush(std::vector<float>& out) {
  if (rows_.empty()) return;
  executor_.run(step_.inputs());
  const auto* vectors = static_cast<const float*>(executor_.output_data(0));
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < rows_.size(); ++i)
    std::memcpy(out.data() + rows_[i] * width, vectors + i * width, width * sizeof(float));
  tokens_processed_ += step_.tokens();
  rows_.clear();
  step_.clear();
}

}  // namespace swiftlet
