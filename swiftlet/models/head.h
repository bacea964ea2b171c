// Heads: what turns hidden states into the answers of a task: words for masks, labels of a text or of its
// tokens, spans, choices. A family lists those that its checkpoints may have, a row each; config.json names
// the one of a checkpoint (`architectures`), and building it is written once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/graph/scope.h"
#include "swiftlet/io/config.h"

namespace swiftlet::models {

enum class Task : std::uint8_t {
  kMaskedLm,  // logits [outputs, V] of the rows that are asked for
  kSequence,  // [sequences, labels]
  kToken,     // [tokens, labels]
  kQuestion,  // [tokens, 2]: a span begins, ends here
  kChoice,    // [sequences, 1]: one sequence a choice
};

// "masked LM", "sequence classification", ...
std::string_view to_string(Task task);

// Which hidden state the head of a whole sequence reads.
enum class Reading : std::uint8_t { kFirst, kMean, kLast };

// projection(norm(activation(dense(x)))); what has no name is not there.
struct HeadSpec {
  std::string_view suffix;  // of the class in `architectures`: "ForSequenceClassification"
  Task task = Task::kSequence;
  std::string_view dense;
  std::string activation;  // behind dense; empty: that of the layers
  std::string_view norm;
  std::string_view projection;
  // Of a masked LM, the name of the whole weight where it is not projection.bias.
  std::string_view bias;
  Reading reading = Reading::kFirst;
  bool dense_in_root = false;  // the dense weight stands beside the layers (a pooler), not beside the head
  bool reads_table = false;    // of words, even where the config unties the projection of a masked LM
  bool dense_bias = true, norm_bias = true, projection_bias = true;
  // What the config says otherwise.
  void (*vary)(HeadSpec& head, const Config& config) = nullptr;
};

// Which function makes scores of the logits of a sequence: softmax, sigmoid, none.
enum class Problem : std::uint8_t { kSingleLabel, kMultiLabel, kRegression };

// The head that a graph ends in.
struct Head {
  Task task = Task::kSequence;
  std::string architecture;         // "BertForSequenceClassification"
  std::vector<std::string> labels;  // by column; empty for masked LM, question and choice
  Problem problem = Problem::kSingleLabel;
  bool reads_last = false;  // the last token speaks for the sequence
};

// What config.json says of the head: the row of `heads` for the class that it names, or none with the class
// where that is not known. Plain encoders ("BertModel") and configs without classes have neither.
struct HeadChoice {
  const HeadSpec* spec = nullptr;
  std::string architecture;
};
HeadChoice choose_head(const Config& config, std::span<const HeadSpec> heads);
// The labels and the problem of a checkpoint with this head. Throws kInvalid for labels that are not numbered
// from 0.
Head describe_head(const HeadSpec& spec, std::string architecture, const Config& config);

// What a head needs from the model around it.
struct HeadPlace {
  const Config& config;
  Scope top, root;         // of the whole checkpoint, and where the layers stand
  Value table;             // of words [V, E]: the projection of a masked LM unless the config unties it
  std::string activation;  // of the layers
  double eps = 1e-12;      // of the norm
};
// Adds the output `logits` to the graph of x [tokens, D]. Throws as Scope::weight does.
void add_head(Value x, const HeadSpec& spec, const Head& head, const HeadPlace& place);

}  // namespace swiftlet::models
