// What models with a head answer, as plain structs: Model::classify, choose, rerank, tag, answer, fill.
//
// Every function takes a batch of texts and gives one result for each, in their order; texts of very
// different lengths may stand in one batch, nothing is padded. docs/tasks.md tells how scores are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace swiftlet {

// A text, or two that are read as one sequence (premise and hypothesis, question and passage).
struct TextPair {
  std::string text;
  std::optional<std::string> pair = {};
};

// A part of a text: bytes [begin, end) of its UTF-8, and the same in characters (code points), as Python
// counts them.
struct TextRange {
  std::size_t begin = 0, end = 0;
  std::size_t begin_character = 0, end_character = 0;
};

// What a model ends in. `task` is "masked LM", "sequence classification", "token classification", "question
// answering" or "multiple choice", and empty where there is no head or none that is known.
struct HeadInfo {
  std::string task;
  std::string architecture;         // the class in config.json: "BertForTokenClassification"
  std::vector<std::string> labels;  // by number; of the two classifications
};

struct ClassifyOptions {
  std::size_t top_k = 1;  // labels for each text, best first; 0: all
  // "softmax", "sigmoid" or "none" (the logits). Empty: none where the config says regression, sigmoid where
  // it says multi-label or there is one label, else softmax.
  std::string function = {};
};
struct LabelScore {
  std::string label;
  double score = 0;
};
struct Classification {
  std::vector<LabelScore> labels;
  bool cut = false;  // the text was longer than the model takes: only its first tokens count
};

// Multiple choice: which of some continuations a text has.
struct ChoiceQuestion {
  std::string text;
  std::vector<std::string> choices;
};
struct Choice {
  std::vector<double> scores;  // of each choice, adding up to one
  bool cut = false;
};

struct RerankOptions {
  std::size_t top_k = 0;  // documents to return; 0: all
  // As ClassifyOptions::function; empty: what the config of a cross-encoder says, else sigmoid.
  std::string function = {};
};
struct RankedDocument {
  std::size_t document = 0;  // index
  double score = 0;
  bool cut = false;
};

struct TagOptions {
  // How tokens become entities: "none" (each token by itself), "simple" (neighbours with one label), or with
  // whole words only, whose label is that of the first token, of the highest score ("max") or of the
  // averaged scores ("first", "max", "average").
  std::string aggregation = "simple";
  std::vector<std::string> ignore = {"O"};  // labels that are left out
  // Tokens that the windows of a text have in common where it is longer than the model takes; negative: a
  // quarter of a window. A token's scores come from the window that shows most around it.
  std::int64_t overlap = -1;
};
struct Entity {
  std::string label;  // without B- and I- unless the aggregation is "none"
  double score = 0;   // a mean over the tokens, or over the words
  std::string text;   // as it stands in the input
  TextRange range;
};

struct Question {
  std::string question, context;
};
struct AnswerOptions {
  std::size_t top_k = 1;
  std::int64_t max_answer_tokens = 15;
  // Tokens of a window (question, context and special tokens; at most what the model takes), and those that
  // neighbouring windows have in common.
  std::int64_t window = 384, overlap = 128;
  // Whether "there is none" counts among the answers, as models trained on SQuAD 2 can say: an empty text.
  bool can_be_impossible = false;
};
struct Answer {
  std::string text;  // whole words of the context; empty: there is no answer
  double score = 0;  // a probability; the sum over the windows where several give the same text
  TextRange range;   // in the context
};

struct FillOptions {
  std::size_t top_k = 5;  // words for each mask
  // When not empty, only these tokens compete (their probabilities stay those among all). One that is no
  // token counts as the first of the tokens that it is cut into.
  std::vector<std::string> targets = {};
};
struct MaskFill {
  std::string word;  // the token as text
  std::int32_t token = 0;
  double score = 0;  // probability among all tokens
  std::string text;  // the input with this mask filled, the other masks as they are
};

}  // namespace swiftlet
