// swiftlet classify MODEL [TEXT...]: the labels of texts and pairs, or the best of some choices.
#include "swiftlet/cli/task.h"

namespace swiftlet::cli {
namespace {

struct ClassifyCommand {
  TaskFiles files;
  ClassifyOptions options;
  std::string column = "text", pair_column = "text_pair", pair;
  std::vector<std::string> choices;
  std::int64_t top_k = 1;
};

Json labels_json(const std::vector<LabelScore>& labels) {
  Json list = Json::array();
  for (const LabelScore& label : labels) list.push_back({{"label", label.label}, {"score", label.score}});
  return list;
}

Shown show(const TextPair& text, const std::vector<LabelScore>& labels) {
  Shown shown;
  shown.object["text"] = text.text;
  if (text.pair) shown.object["text_pair"] = *text.pair;
  shown.object["labels"] = labels_json(labels);
  const std::string both = text.pair ? text.text + "\t" + *text.pair : text.text;
  if (labels.size() != 1) shown.text = both + "\n";
  for (const LabelScore& label : labels) {
    shown.rows.push_back({text.text, text.pair.value_or(""), label.label, number_text(label.score)});
    shown.text += labels.size() == 1 ? fmt::format("{:.4f}  {}  {}\n", label.score, label.label, both)
                                     : fmt::format("  {:.4f}  {}\n", label.score, label.label);
  }
  return shown;
}

std::vector<LabelScore> best_choices(const std::vector<std::string>& choices, const Choice& choice,
                                     std::size_t top_k) {
  std::vector<LabelScore> labels;
  for (std::size_t i = 0; i < choices.size(); ++i) labels.push_back({choices[i], choice.scores[i]});
  std::stable_sort(labels.begin(), labels.end(),
                   [](const LabelScore& a, const LabelScore& b) { return a.score > b.score; });
  if (top_k > 0 && labels.size() > top_k) labels.resize(top_k);
  return labels;
}

struct Labels {
  std::vector<LabelScore> labels;
  bool cut = false;
};

std::vector<Labels> labels_of(Session& session, Model& model, const ClassifyCommand& command,
                              const std::vector<TextPair>& texts) {
  std::vector<Labels> results;
  if (command.choices.empty()) {
    for (Classification& found : model.classify(texts, command.options, &session.job))
      results.push_back({std::move(found.labels), found.cut});
    return results;
  }
  std::vector<ChoiceQuestion> questions;
  for (const TextPair& text : texts) questions.push_back({text.text, command.choices});
  for (const Choice& choice : model.choose(questions, &session.job))
    results.push_back({best_choices(command.choices, choice, command.options.top_k), choice.cut});
  return results;
}

int classify(Session& session, ClassifyCommand& command, bool column, bool pair_column) {
  if (!command.pair.empty() && (pair_column || !command.choices.empty()))
    wrong_use("classify", "--pair does not go with --pair-column and --choice");
  command.options.top_k = std::size_t(command.top_k);
  Model model = session.load(command.files.model);
  Results results(session, command.files, {"text", "text_pair", "label", "score"});
  std::int64_t cut = 0;
  const std::vector<Field> fields{{command.column, column, true}, {command.pair_column, pair_column, false}};
  for_each_batch(session, "classify", command.files, fields, [&](const std::vector<Record>& records) {
    std::vector<TextPair> texts;
    for (const Record& record : records) {
      texts.push_back({*record.texts[0], record.texts[1]});
      if (!command.pair.empty()) texts.back().pair = command.pair;
    }
    const auto labels = labels_of(session, model, command, texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      results.add(show(texts[i], labels[i].labels));
      cut += labels[i].cut ? 1 : 0;
    }
  });
  warn_of_cut(cut, std::int64_t(results.count()));
  results.finish("texts");
  return kDone;
}

}  // namespace

Action setup_classify(CommandLine& line) {
  auto command = std::make_shared<ClassifyCommand>();
  line.describe(
      "Prints score, label and text. The model needs a head for sequence classification; with --choice one\n"
      "for multiple choice.");
  line.positional("MODEL", command->files.model, "A model with such a head");
  line.rest("TEXT", command->files.texts, "Texts; from --input or standard input when absent");
  line.group("Classification");
  line.number<std::int64_t>("-k,--top-k", command->top_k, "Labels to show for each text; 0: all", 0);
  line.choice("--function", command->options.function, {"softmax", "sigmoid", "none"},
              "What makes scores of the logits", "as the model's config says");
  line.text("--pair", command->pair, "TEXT", "Read every text together with this one");
  line.texts("--choice", command->choices, "TEXT", "Which of these follows the text?");
  declare_files(line, command->files, "Texts: one a line, or a csv, tsv or jsonl file");
  line.text("--column", command->column, "NAME", "The text in csv, tsv and jsonl");
  line.text("--pair-column", command->pair_column, "NAME", "The second text of a pair");
  line.machine_options();
  line.output_options();
  line.examples(
      {"swiftlet classify models/sentiment \"a lovely day\" \"what a mess\"",
       "swiftlet classify models/topics --top-k 0 --input mails.csv --column body --output topics.jsonl",
       "swiftlet classify models/nli \"it rains\" --pair \"the street is dry\""});
  return [command, &line](Session& session) {
    return classify(session, *command, line.given("--column"), line.given("--pair-column"));
  };
}

}  // namespace swiftlet::cli
