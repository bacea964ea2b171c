#include "swiftlet/tasks/tag.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/tasks/entities.h"
#include "swiftlet/tasks/scores.h"
#include "swiftlet/tasks/windows.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::tasks {
namespace {

// Whether a token goes on with the word before it, as the pipeline of transformers tells: where the
// vocabulary spells such pieces, by a spelling that is longer than the text; elsewhere by the want of a
// space.
bool continues_word(const Tokenizer& tokenizer, std::string_view text, std::int32_t id, text::Span span) {
  if (id == tokenizer.special().unk) return false;
  if (!tokenizer.continuing_prefix().empty()) {
    const auto piece = tokenizer.id_to_token(id);
    const std::string_view covered = text.substr(span.begin, span.end - span.begin);
    return piece && text::count_chars(*piece) != text::count_chars(covered);
  }
  if (span.begin == 0 || span.begin >= text.size()) return false;
  return text[span.begin] != ' ' && text[span.begin - 1] != ' ';
}

// One text on its way: what of each token is known so far.
struct Tagging {
  std::string_view text;
  std::vector<TaggedToken> tokens;
  std::vector<std::size_t> seen;  // tokens on the shorter side of the best window so far, plus one
};

struct Piece {
  std::size_t text = 0;
  Window window;
};

void add_tokens(Tagging& tagging, const TokenizedText& whole, const Tokenizer& tokenizer) {
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole.sources[i] != 0) continue;
    tagging.tokens.push_back(
        {.begin = whole.offsets[i].begin,
         .end = whole.offsets[i].end,
         .continues = continues_word(tokenizer, tagging.text, whole.ids[i], whole.offsets[i])});
  }
  tagging.seen.assign(tagging.tokens.size(), 0);
}

// Takes the scores of those tokens of which this window shows the most surroundings.
void take(Tagging& tagging, const Window& window, std::span<const float> logits, std::size_t width) {
  const std::size_t all = tagging.tokens.size(), end = window.first + window.count;
  for (std::size_t i = 0; i < window.count; ++i) {
    const std::size_t token = window.first + i;
    const std::size_t left = window.first == 0 ? all : i, right = end == all ? all : window.count - 1 - i;
    const std::size_t shown = std::min(left, right) + 1;
    if (shown <= tagging.seen[token]) continue;
    tagging.seen[token] = shown;
    tagging.tokens[token].scores = softmax(logits.subspan((window.place + i) * width, width));
  }
}

}  // namespace

std::vector<std::vector<Entity>> tag(HeadRunner& runner, const std::vector<std::string>& texts,
                                     const TagOptions& options, const Job& job) {
  const Aggregation aggregation = aggregation_from_name(options.aggregation);
  const Tokenizer& tokenizer = runner.model().require_tokenizer();
  const auto most = static_cast<std::size_t>(runner.max_length());
  const std::size_t overlap = options.overlap < 0 ? most / 4 : static_cast<std::size_t>(options.overlap);
  std::vector<Tagging> taggings(texts.size());
  std::vector<Piece> pieces;
  std::vector<HeadInput> inputs;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    taggings[i].text = texts[i];
    const TokenizedText whole = tokenizer.encode(texts[i]);
    add_tokens(taggings[i], whole, tokenizer);
    if (taggings[i].tokens.empty()) continue;
    for (Window& window : windows_of(whole, 0, most, overlap, runner.model().checkpoint.source)) {
      inputs.push_back(runner.input_of(window.text));
      window.text = {};
      pieces.push_back({i, std::move(window)});
    }
  }
  const auto width = static_cast<std::size_t>(runner.width());
  runner.run(
      inputs,
      [&](std::size_t i, std::span<const float> logits) {
        take(taggings[pieces[i].text], pieces[i].window, logits, width);
      },
      job);
  std::vector<std::vector<Entity>> results;
  for (const Tagging& tagging : taggings)
    results.push_back(
        entities_of(tagging.text, tagging.tokens, runner.head().labels, aggregation, options.ignore));
  return results;
}

}  // namespace swiftlet::tasks
