// swiftlet tag MODEL [TEXT...]: the entities in texts.
#include "swiftlet/cli/task.h"

namespace swiftlet::cli {
namespace {

struct TagCommand {
  TaskFiles files;
  TagOptions options;
  std::string column = "text";
  std::vector<std::string> ignore;
  std::int64_t row = 0;
};

Shown show(std::int64_t row, const std::string& text, const std::vector<Entity>& entities) {
  Shown shown{.object = {{"text", text}}, .text = text + "\n"};
  Json list = Json::array();
  for (const Entity& entity : entities) {
    const TextRange& range = entity.range;
    Json object{{"label", entity.label}, {"score", entity.score}, {"text", entity.text}};
    add_range(object, range);
    list.push_back(std::move(object));
    shown.rows.push_back({std::to_string(row), entity.label, number_text(entity.score), entity.text,
                          std::to_string(range.begin_character), std::to_string(range.end_character),
                          std::to_string(range.begin), std::to_string(range.end)});
    shown.text += fmt::format("  {:.4f}  {}  {}-{}  {}\n", entity.score, entity.label, range.begin_character,
                              range.end_character, entity.text);
  }
  shown.object["entities"] = std::move(list);
  return shown;
}

int tag(Session& session, TagCommand& command, bool column) {
  if (!command.ignore.empty()) command.options.ignore = command.ignore;
  Model model = session.load(command.files.model);
  Results results(session, command.files,
                  {"row", "label", "score", "text", "begin", "end", "begin_byte", "end_byte"});
  for_each_batch(session, "tag", command.files, {{command.column, column, true}},
                 [&](const std::vector<Record>& records) {
                   const std::vector<std::string> texts = texts_of(records);
                   const auto entities = model.tag(texts, command.options, &session.job);
                   for (std::size_t i = 0; i < texts.size(); ++i)
                     results.add(show(++command.row, texts[i], entities[i]));
                 });
  results.finish("texts");
  return kDone;
}

}  // namespace

Action setup_tag(CommandLine& line) {
  auto command = std::make_shared<TagCommand>();
  line.describe(
      "Prints each text and, below it, score, label, place (in characters) and words of its entities. The\n"
      "model needs a head for token classification. Texts of any length: long ones are read in windows.");
  line.positional("MODEL", command->files.model, "A model with such a head");
  line.rest("TEXT", command->files.texts, "Texts; from --input or standard input when absent");
  line.group("Entities");
  line.choice("--aggregation", command->options.aggregation, {"none", "simple", "first", "average", "max"},
              "How tokens become entities");
  line.texts("--ignore", command->ignore, "LABEL", "Labels to leave out instead of O");
  line.number<std::int64_t>("--overlap", command->options.overlap,
                            "Tokens that windows have in common; -1: a quarter of a window", -1);
  declare_files(line, command->files, "Texts: one a line, or a csv, tsv or jsonl file");
  line.text("--column", command->column, "NAME", "The text in csv, tsv and jsonl");
  line.machine_options();
  line.output_options();
  line.examples({"swiftlet tag models/ner \"Ada Lovelace lived in London.\"",
                 "swiftlet tag models/ner --aggregation first --input news.jsonl --output entities.csv"});
  return [command, &line](Session& session) { return tag(session, *command, line.given("--column")); };
}

}  // namespace swiftlet::cli
