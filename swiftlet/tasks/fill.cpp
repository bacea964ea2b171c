#include "swiftlet/tasks/fill.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/tasks/scores.h"

namespace swiftlet::tasks {
namespace {

using Fills = std::vector<std::vector<MaskFill>>;

struct Masks {
  HeadInput input;
  std::vector<text::Span> places;
};

Masks find_masks(const HeadRunner& runner, const std::string& text, std::size_t number) {
  const Tokenizer& tokenizer = runner.model().require_tokenizer();
  const std::int32_t mask = tokenizer.special().mask;
  if (mask < 0)
    fail(ErrorCode::kUnsupported, runner.model().checkpoint.source, "its tokenizer has no mask token");
  const TokenizedText tokens = tokenizer.encode(text);
  Masks masks{.input = runner.input_of(tokens)};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens.ids[i] != mask) continue;
    masks.input.rows.push_back(static_cast<std::int32_t>(i));
    masks.places.push_back(tokens.offsets[i]);
  }
  require(!masks.places.empty(), "fill", "text {} has no {}, the mask of this model", number,
          tokenizer.id_to_token(mask).value_or("mask"));
  return masks;
}

std::vector<std::int32_t> target_tokens(const HeadRunner& runner, const std::vector<std::string>& targets) {
  const Tokenizer& tokenizer = runner.model().require_tokenizer();
  std::vector<std::int32_t> ids;
  for (const std::string& target : targets) {
    std::optional<std::int32_t> id = tokenizer.token_to_id(target);
    if (!id) {
      const auto pieces = tokenizer.encode(target, {.add_special = false}).ids;
      if (pieces.empty()) fail(ErrorCode::kUsage, "targets", "'{}' has no token", target);
      id = pieces.front();
      warn("'{}' is no token of the model: '{}' is scored in its place", target,
           tokenizer.id_to_token(*id).value_or("?"));
    }
    if (std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

// The best tokens of one mask.
std::vector<MaskFill> words_for(std::span<const float> logits, const std::vector<std::int32_t>& targets,
                                const FillOptions& options) {
  const std::vector<double> scores = softmax(logits);
  std::vector<MaskFill> words;
  if (targets.empty()) {
    for (const std::size_t id : best(scores, std::max<std::size_t>(options.top_k, 1)))
      words.push_back({.token = static_cast<std::int32_t>(id), .score = scores[id]});
    return words;
  }
  std::vector<double> chosen;
  for (const std::int32_t id : targets) chosen.push_back(scores[static_cast<std::size_t>(id)]);
  for (const std::size_t i : best(chosen, std::max<std::size_t>(options.top_k, 1)))
    words.push_back({.token = targets[i], .score = chosen[i]});
  return words;
}

// The text with `word` in place of a mask. Vocabularies that spell the start of words keep its space there.
std::string filled(const std::string& text, text::Span place, std::string word, bool continues) {
  std::size_t begin = place.begin;
  if (continues)
    while (begin > 0 && text[begin - 1] == ' ') --begin;
  if (begin > 0 && text[begin - 1] == ' ' && word.starts_with(' ')) word.erase(0, 1);
  return text.substr(0, begin) + word + text.substr(place.end);
}

}  // namespace

std::vector<Fills> fill(HeadRunner& runner, const std::vector<std::string>& texts, const FillOptions& options,
                        const Job& job) {
  const Tokenizer& tokenizer = runner.model().require_tokenizer();
  const std::vector<std::int32_t> targets = target_tokens(runner, options.targets);
  std::vector<Masks> masks;
  std::vector<HeadInput> inputs;
  for (const std::string& text : texts) {
    masks.push_back(find_masks(runner, text, masks.size() + 1));
    inputs.push_back(std::move(masks.back().input));
  }
  const auto width = static_cast<std::size_t>(runner.width());
  std::vector<Fills> results(texts.size());
  const std::string_view prefix = tokenizer.continuing_prefix();
  const auto receive = [&](std::size_t i, std::span<const float> logits) {
    for (std::size_t mask = 0; mask < masks[i].places.size(); ++mask) {
      auto words = words_for(logits.subspan(mask * width, width), targets, options);
      for (MaskFill& word : words) {
        word.word = tokenizer.decode(std::span(&word.token, 1), {.skip_special = false});
        const bool continues = !prefix.empty() && word.word.starts_with(prefix);
        word.text = filled(texts[i], masks[i].places[mask],
                           continues ? word.word.substr(prefix.size()) : word.word, continues);
      }
      results[i].push_back(std::move(words));
    }
  };
  runner.run(inputs, receive, job);
  return results;
}

}  // namespace swiftlet::tasks
