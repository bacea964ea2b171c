#include "swiftlet/tasks/answer.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/tasks/windows.h"

namespace swiftlet::tasks {
namespace {

struct Span {
  std::size_t first = 0, last = 0;  // tokens of the context
  double score = 0;
};

// One question on its way.
struct Asking {
  const Question* question = nullptr;
  std::vector<text::Span> words;  // for each token of the context: the bytes of its whole word
  std::vector<Answer> answers;
  double none = 1e6;  // the lowest score that a window gives to "none"
};

struct Piece {
  std::size_t question = 0;
  Window window;
  bool has_first = false;  // whether the first token is a special one, which stands for "none"
};

std::vector<text::Span> words_of(const TokenizedText& whole) {
  std::vector<text::Span> words;
  std::vector<std::int32_t> numbers;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole.sources[i] != 1) continue;
    words.push_back(whole.offsets[i]);
    numbers.push_back(whole.words[i]);
  }
  for (std::size_t first = 0, last = 0; first < words.size(); first = last) {
    for (last = first + 1; last < words.size() && numbers[last] == numbers[first];) ++last;
    const text::Span word{words[first].begin, words[last - 1].end};
    std::fill(words.begin() + static_cast<std::ptrdiff_t>(first),
              words.begin() + static_cast<std::ptrdiff_t>(last), word);
  }
  return words;
}

// Probabilities of column `column` over the tokens of the window and, as their last, its first token.
std::vector<double> probabilities(const Piece& piece, std::span<const float> logits, std::size_t column) {
  std::vector<double> values;
  for (std::size_t i = 0; i < piece.window.count; ++i)
    values.push_back(logits[2 * (piece.window.place + i) + column]);
  values.push_back(piece.has_first ? logits[column] : -1e30);
  const double highest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& value : values) sum += value = std::exp(value - highest);
  for (double& value : values) value /= sum;
  return values;
}

// The best spans of at most `longest` tokens.
std::vector<Span> best_spans(std::span<const double> begins, std::span<const double> ends,
                             std::size_t longest, std::size_t count) {
  const auto better = [](const Span& a, const Span& b) { return a.score > b.score; };
  std::vector<Span> spans;  // a heap, the worst on top
  for (std::size_t first = 0; first < begins.size(); ++first)
    for (std::size_t last = first; last < std::min(first + longest, ends.size()); ++last) {
      const Span span{first, last, begins[first] * ends[last]};
      if (spans.size() == count && !better(span, spans.front())) continue;
      if (spans.size() == count) {
        std::pop_heap(spans.begin(), spans.end(), better);
        spans.pop_back();
      }
      spans.push_back(span);
      std::push_heap(spans.begin(), spans.end(), better);
    }
  std::sort_heap(spans.begin(), spans.end(), better);
  return spans;
}

std::string lower_ascii(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  return text;
}

// The same text found in several windows or places is one answer.
void add_answer(Asking& asking, const Span& span, std::size_t first) {
  const std::size_t begin = asking.words[first + span.first].begin, end = asking.words[first + span.last].end;
  const std::string text = asking.question->context.substr(begin, end - begin);
  for (Answer& known : asking.answers)
    if (lower_ascii(known.text) == lower_ascii(text)) {
      known.score += span.score;
      return;
    }
  asking.answers.push_back({.text = text, .score = span.score, .range = {.begin = begin, .end = end}});
}

void take(Asking& asking, const Piece& piece, std::span<const float> logits, const AnswerOptions& options) {
  const std::vector<double> begins = probabilities(piece, logits, 0), ends = probabilities(piece, logits, 1);
  if (piece.has_first) asking.none = std::min(asking.none, begins.back() * ends.back());
  // More than are wanted, for some become one when their words are completed.
  const auto spans =
      best_spans(std::span(begins).first(piece.window.count), std::span(ends).first(piece.window.count),
                 static_cast<std::size_t>(options.max_answer_tokens), 2 * options.top_k + 10);
  for (const Span& span : spans) add_answer(asking, span, piece.window.first);
}

std::vector<Answer> finish(Asking& asking, const AnswerOptions& options) {
  if (options.can_be_impossible && asking.none <= 1) asking.answers.push_back({.score = asking.none});
  std::stable_sort(asking.answers.begin(), asking.answers.end(),
                   [](const Answer& a, const Answer& b) { return a.score > b.score; });
  if (asking.answers.size() > options.top_k) asking.answers.resize(options.top_k);
  CharacterCounter counter(asking.question->context);
  for (Answer& answer : asking.answers) answer.range = counter.range(answer.range.begin, answer.range.end);
  return std::move(asking.answers);
}

void check(const AnswerOptions& options) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value < 1) fail(ErrorCode::kUsage, name, "must be at least 1, is {}", value);
  };
  positive("top_k", options.top_k > 0 ? 1 : 0);
  positive("max_answer_tokens", options.max_answer_tokens);
  positive("window", options.window);
  if (options.overlap < 0) fail(ErrorCode::kUsage, "overlap", "must not be negative, is {}", options.overlap);
}

}  // namespace

std::vector<std::vector<Answer>> answer(HeadRunner& runner, const std::vector<Question>& questions,
                                        const AnswerOptions& options, const Job& job) {
  check(options);
  const Tokenizer& tokenizer = runner.model().require_tokenizer();
  const auto most = static_cast<std::size_t>(std::min(options.window, runner.max_length()));
  const std::size_t overlap = std::min(static_cast<std::size_t>(options.overlap), most / 2);
  std::vector<Asking> askings(questions.size());
  std::vector<Piece> pieces;
  std::vector<HeadInput> inputs;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const TokenizedText whole = tokenizer.encode_pair(questions[i].question, questions[i].context);
    askings[i].question = &questions[i];
    askings[i].words = words_of(whole);
    if (askings[i].words.empty()) continue;  // no context, no answer
    const bool has_first = whole.sources.front() < 0;
    for (Window& window : windows_of(whole, 1, most, overlap, fmt::format("question {}", i + 1))) {
      inputs.push_back(runner.input_of(window.text));
      window.text = {};
      pieces.push_back({i, std::move(window), has_first});
    }
  }
  runner.run(
      inputs,
      [&](std::size_t i, std::span<const float> logits) {
        take(askings[pieces[i].question], pieces[i], logits, options);
      },
      job);
  std::vector<std::vector<Answer>> results;
  for (Asking& asking : askings) results.push_back(finish(asking, options));
  return results;
}

}  // namespace swiftlet::tasks
