// swiftlet fill MODEL [TEXT...]: words for the masks of texts.
#include "swiftlet/cli/task.h"

namespace swiftlet::cli {
namespace {

struct FillCommand {
  TaskFiles files;
  FillOptions options;
  std::string column = "text";
  std::int64_t top_k = 5, row = 0;
};

Shown show(std::int64_t row, const std::string& text, const std::vector<std::vector<MaskFill>>& masks) {
  Shown shown{.object = {{"text", text}}, .text = text + "\n"};
  Json list = Json::array();
  for (std::size_t mask = 0; mask < masks.size(); ++mask) {
    Json words = Json::array();
    if (masks.size() > 1) shown.text += fmt::format("  mask {}\n", mask + 1);
    for (const MaskFill& word : masks[mask]) {
      words.push_back(
          {{"word", word.word}, {"token", word.token}, {"score", word.score}, {"text", word.text}});
      shown.rows.push_back({std::to_string(row), std::to_string(mask + 1), word.word,
                            std::to_string(word.token), number_text(word.score), word.text});
      shown.text += fmt::format("  {:.4f}  {}\n", word.score, word.word);
    }
    list.push_back(std::move(words));
  }
  shown.object["masks"] = std::move(list);
  return shown;
}

int fill(Session& session, FillCommand& command, bool column) {
  command.options.top_k = std::size_t(command.top_k);
  Model model = session.load(command.files.model);
  Results results(session, command.files, {"row", "mask", "word", "token", "score", "text"});
  for_each_batch(session, "fill", command.files, {{command.column, column, true}},
                 [&](const std::vector<Record>& records) {
                   const std::vector<std::string> texts = texts_of(records);
                   const auto masks = model.fill(texts, command.options, &session.job);
                   for (std::size_t i = 0; i < texts.size(); ++i)
                     results.add(show(++command.row, texts[i], masks[i]));
                 });
  results.finish("texts");
  return kDone;
}

}  // namespace

Action setup_fill(CommandLine& line) {
  auto command = std::make_shared<FillCommand>();
  line.describe(
      "Prints each text and, below it, probability and word for its masks, best first. The model needs a "
      "head\n"
      "for masked LM; a mask is written as its tokenizer spells it: [MASK] or <mask>.");
  line.positional("MODEL", command->files.model, "A model with such a head");
  line.rest("TEXT", command->files.texts, "Texts; from --input or standard input when absent");
  line.group("Words");
  line.number<std::int64_t>("-k,--top-k", command->top_k, "Words to show for each mask", 1);
  line.texts("--target", command->options.targets, "WORD", "Only these words compete");
  declare_files(line, command->files, "Texts: one a line, or a csv, tsv or jsonl file");
  line.text("--column", command->column, "NAME", "The text in csv, tsv and jsonl");
  line.machine_options();
  line.output_options();
  line.examples({"swiftlet fill models/bert \"The capital of Peru is [MASK].\"",
                 "swiftlet fill models/roberta --top-k 1 --input texts.txt --output filled.csv"});
  return [command, &line](Session& session) { return fill(session, *command, line.given("--column")); };
}

}  // namespace swiftlet::cli
