// swiftlet answer MODEL --question TEXT --context FILE: the part of a text that answers a question.
#include "swiftlet/cli/input.h"
#include "swiftlet/cli/task.h"

namespace swiftlet::cli {
namespace {

struct AnswerCommand {
  TaskFiles files;
  AnswerOptions options;
  std::string context, question_column = "question", context_column = "context";
  std::vector<std::string> questions;
  std::int64_t top_k = 1;
};

Shown show(const Question& question, const std::vector<Answer>& answers) {
  Shown shown{.object = {{"question", question.question}}, .text = question.question + "\n"};
  Json list = Json::array();
  for (const Answer& answer : answers) {
    const TextRange& range = answer.range;
    Json object{{"text", answer.text}, {"score", answer.score}};
    add_range(object, range);
    list.push_back(std::move(object));
    shown.rows.push_back({question.question, answer.text, number_text(answer.score),
                          std::to_string(range.begin_character), std::to_string(range.end_character),
                          std::to_string(range.begin), std::to_string(range.end)});
    shown.text += answer.text.empty() ? fmt::format("  {:.4f}  (no answer)\n", answer.score)
                                      : fmt::format("  {:.4f}  {}-{}  {}\n", answer.score,
                                                    range.begin_character, range.end_character, answer.text);
  }
  if (answers.empty()) shown.text += "  (no answer)\n";
  shown.object["answers"] = std::move(list);
  return shown;
}

void check(const AnswerCommand& command) {
  const bool single = !command.questions.empty() || !command.context.empty();
  if (single && !command.files.input.empty())
    wrong_use("answer", "--question and --context, or --input, were expected, both came");
  if (!single && command.files.input.empty())
    wrong_use("answer", "--question and --context, or --input, were expected, none came");
  if (single && (command.questions.empty() || command.context.empty()))
    wrong_use("answer", "--question and --context go together");
}

int answer(Session& session, AnswerCommand& command) {
  check(command);
  command.options.top_k = std::size_t(command.top_k);
  Model model = session.load(command.files.model);
  Results results(session, command.files,
                  {"question", "answer", "score", "begin", "end", "begin_byte", "end_byte"});
  const auto run = [&](const std::vector<Question>& questions) {
    const auto answers = model.answer(questions, command.options, &session.job);
    for (std::size_t i = 0; i < questions.size(); ++i) results.add(show(questions[i], answers[i]));
  };
  if (command.files.input.empty()) {
    const std::string context = Input(command.context, session.job).all();
    if (context.find_first_not_of(" \t\r\n") == std::string::npos)
      fail(ErrorCode::kInvalid, command.context, "a text was expected, none came");
    std::vector<Question> questions;
    for (const std::string& question : command.questions) questions.push_back({question, context});
    run(questions);
  } else {
    const std::vector<Field> fields{{command.question_column, true, true},
                                    {command.context_column, true, true}};
    for_each_batch(session, "answer", command.files, fields, [&](const std::vector<Record>& records) {
      std::vector<Question> questions;
      for (const Record& record : records) questions.push_back({*record.texts[0], *record.texts[1]});
      run(questions);
    });
  }
  results.finish("questions");
  return kDone;
}

}  // namespace

Action setup_answer(CommandLine& line) {
  auto command = std::make_shared<AnswerCommand>();
  line.describe(
      "Prints each question and, below it, score, place (in characters) and words of the answers, best "
      "first.\n"
      "The model needs a head for question answering. Contexts of any length: long ones are read in "
      "windows.");
  line.positional("MODEL", command->files.model, "A model with such a head");
  line.group("Question");
  line.texts("--question", command->questions, "TEXT", "What is asked");
  line.text("-c,--context", command->context, "FILE", "The text that has the answer; - for standard input");
  line.number<std::int64_t>("-k,--top-k", command->top_k, "Answers to show for each question", 1);
  line.number<std::int64_t>("--max-answer-tokens", command->options.max_answer_tokens,
                            "Tokens of the longest answer", 1);
  line.flag("--no-answer", command->options.can_be_impossible,
            "Let there be no answer, for models trained on SQuAD 2 and its like");
  line.number<std::int64_t>("--window", command->options.window, "Tokens of a window, question included", 8);
  line.number<std::int64_t>("--overlap", command->options.overlap, "Tokens that windows have in common", 0);
  declare_files(line, command->files, "Questions with their contexts: a csv, tsv or jsonl file");
  line.text("--question-column", command->question_column, "NAME", "The question in csv, tsv and jsonl");
  line.text("--context-column", command->context_column, "NAME", "The context in csv, tsv and jsonl");
  line.machine_options();
  line.output_options();
  line.examples({"swiftlet answer models/qa --question \"Who wrote it?\" --context book.txt --top-k 3",
                 "swiftlet answer models/qa --input questions.jsonl --output answers.jsonl"});
  return [command](Session& session) { return answer(session, *command); };
}

}  // namespace swiftlet::cli
