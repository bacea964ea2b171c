// Encoder: texts to vectors, in ragged batches without padding.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/job.h"

namespace swiftlet {

// What an encoder runs. Throws kUnsupported for a decoder.
std::shared_ptr<const Program> encoder_program(const LoadedModel& model);

// Token ids with special ones of a prompt and a text, cut to max_length, usually the model's
// max_sequence_length(); `cut`, where given, is set when something was lost.
std::vector<std::int32_t> encode_sentence(const LoadedModel& model, std::string_view prompt,
                                          std::string_view text, std::int64_t max_length,
                                          bool* cut = nullptr);

class Encoder {
 public:
  // Throws kUnsupported when the model is no encoder or, being a plain one, has no pooling.
  explicit Encoder(std::shared_ptr<LoadedModel> model);

  std::int64_t width() const { return width_; }
  // The text of a prompt by its name: empty is the model's default, which may be none, "none" is none. Throws
  // kUsage for a name that the model does not have, listing those that it has.
  std::string prompt(std::string_view name) const;
  // Token ids with special ones, of the default prompt and the text, cut to the model's maximum; `cut` is set
  // when something was lost.
  std::vector<std::int32_t> tokenize(std::string_view text, bool* cut = nullptr) const;
  // [texts, width] row-major. A text gives the same vector whatever the batch. See texts_cut().
  // `prompt_name` as in prompt().
  std::vector<float> embed(std::span<const std::string> texts, const Job& job = {},
                           std::string_view prompt_name = {});
  // The same for token ids that tokenize() made. `skipped`: tokens of each that are the prompt's, where the
  // model does not pool them.
  std::vector<float> embed_tokens(std::span<const std::vector<std::int32_t>> sequences, const Job& job = {},
                                  std::int32_t skipped = 0);
  std::int64_t tokens_processed() const { return tokens_processed_; }
  // Texts of the last embed() that were longer than the model takes.
  std::int64_t texts_cut() const { return texts_cut_; }
  const std::shared_ptr<const Program>& program() const { return program_; }
  // As Executor::set_profile.
  void set_profile(Profile* profile) { executor_.set_profile(profile); }

 private:
  void flush(std::vector<float>& out);
  std::vector<std::int32_t> tokenize(std::string_view prompt, std::string_view text, bool* cut) const;
  std::int32_t prompt_tokens(std::string_view prompt) const;

  std::shared_ptr<LoadedModel> model_;
  std::int64_t max_length_;
  std::shared_ptr<const Program> program_;
  Executor executor_;
  StepBuilder step_;
  std::vector<std::size_t> rows_;  // which sequences the step holds
  std::int64_t width_ = 0, tokens_processed_ = 0, texts_cut_ = 0;
};

}  // namespace swiftlet
