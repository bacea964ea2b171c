#include "swiftlet/tasks/classify.h"

#include "swiftlet/core/error.h"
#include "swiftlet/tasks/scores.h"

namespace swiftlet::tasks {
namespace {

struct Sequences {
  std::vector<HeadInput> inputs;
  std::vector<bool> cut;
};

void add_text(Sequences& sequences, const HeadRunner& runner, std::string_view text,
              const std::string* pair) {
  const Tokenizer& tokenizer = runner.model().require_tokenizer();
  const auto encode = [&](std::size_t most) {
    const EncodeOptions options{.max_tokens = most};
    return pair != nullptr ? tokenizer.encode_pair(text, *pair, options) : tokenizer.encode(text, options);
  };
  const auto most = static_cast<std::size_t>(runner.max_length());
  TokenizedText tokens = encode(most + 1);
  sequences.cut.push_back(tokens.size() > most);
  if (tokens.size() > most) tokens = encode(most);
  sequences.inputs.push_back(runner.input_of(tokens));
}

std::string_view default_function(models::Problem problem) {
  switch (problem) {
    case models::Problem::kRegression:
      return "none";
    case models::Problem::kMultiLabel:
      return "sigmoid";
    default:
      return "softmax";
  }
}

// Cross-encoders of sentence-transformers name a class of PyTorch.
std::string_view rerank_function(const Config& config) {
  std::string name = config.string_or("sbert_ce_default_activation_function", "");
  if (const auto section = config.section("sentence_transformers"))
    name = section->string_or("activation_fn", name);
  if (name.empty() || name.ends_with(".Sigmoid")) return "sigmoid";
  if (name.ends_with(".Identity")) return "none";
  fail(ErrorCode::kUnsupported, config.where() + ": activation_fn",
       "'{}' is not available; known are Sigmoid, Identity", name);
}

}  // namespace

std::vector<Classification> classify(HeadRunner& runner, const std::vector<TextPair>& texts,
                                     const ClassifyOptions& options, const Job& job) {
  const models::Head& head = runner.head();
  const std::string_view function =
      options.function.empty() ? default_function(head.problem) : options.function;
  apply(function, {});  // an unknown name ends here
  Sequences sequences;
  for (const TextPair& text : texts)
    add_text(sequences, runner, text.text, text.pair ? &*text.pair : nullptr);
  std::vector<Classification> results(texts.size());
  const auto receive = [&](std::size_t i, std::span<const float> logits) {
    const std::vector<double> scores = apply(function, logits);
    for (const std::size_t label : best(scores, options.top_k))
      results[i].labels.push_back({head.labels[label], scores[label]});
    results[i].cut = sequences.cut[i];
  };
  runner.run(sequences.inputs, receive, job);
  return results;
}

std::vector<Choice> choose(HeadRunner& runner, const std::vector<ChoiceQuestion>& questions, const Job& job) {
  Sequences sequences;
  for (const ChoiceQuestion& question : questions) {
    if (question.choices.empty()) fail(ErrorCode::kUsage, "choose", "a question has no choices");
    for (const std::string& choice : question.choices) add_text(sequences, runner, question.text, &choice);
  }
  std::vector<float> logits(sequences.inputs.size());
  runner.run(
      sequences.inputs, [&](std::size_t i, std::span<const float> row) { logits[i] = row[0]; }, job);
  std::vector<Choice> results;
  for (std::size_t begin = 0; const ChoiceQuestion& question : questions) {
    const std::size_t count = question.choices.size();
    Choice& choice = results.emplace_back();
    choice.scores = softmax(std::span<const float>(logits).subspan(begin, count));
    for (std::size_t i = begin; i < begin + count; ++i) choice.cut = choice.cut || sequences.cut[i];
    begin += count;
  }
  return results;
}

std::vector<RankedDocument> rerank(HeadRunner& runner, const std::string& query,
                                   const std::vector<std::string>& documents, const RerankOptions& options,
                                   const Job& job) {
  const models::Head& head = runner.head();
  if (head.labels.size() != 1)
    fail(ErrorCode::kUnsupported, runner.model().checkpoint.source,
         "gives {} labels ({}); rerank needs a model with one, the score", head.labels.size(),
         head.architecture);
  const std::string_view function =
      options.function.empty() ? rerank_function(runner.model().checkpoint.config) : options.function;
  apply(function, {});
  Sequences sequences;
  for (const std::string& document : documents) add_text(sequences, runner, query, &document);
  std::vector<double> scores(documents.size());
  runner.run(
      sequences.inputs,
      [&](std::size_t i, std::span<const float> logits) { scores[i] = apply(function, logits)[0]; }, job);
  std::vector<RankedDocument> ranked;
  for (const std::size_t i : best(scores, options.top_k)) ranked.push_back({i, scores[i], sequences.cut[i]});
  return ranked;
}

}  // namespace swiftlet::tasks
