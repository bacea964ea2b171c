// swiftlet rerank MODEL --query TEXT [DOCUMENT...]: documents in the order of their worth for a query.
#include "swiftlet/cli/task.h"

namespace swiftlet::cli {
namespace {

struct RerankCommand {
  TaskFiles files;
  RerankOptions options;
  std::string query, column = "text";
  std::int64_t top_k = 0;
};

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\f\v") == std::string::npos;
}

int rerank(Session& session, RerankCommand& command, bool column) {
  command.options.top_k = std::size_t(command.top_k);
  Model model = session.load(command.files.model);
  std::vector<std::string> documents;
  std::vector<std::size_t> numbers;  // of the records; blank ones are no documents
  std::size_t number = 0;
  Results results(session, command.files, {"rank", "document", "score", "text"});
  for_each_batch(session, "rerank", command.files, {{command.column, column, true}},
                 [&](const std::vector<Record>& records) {
                   for (const Record& record : records) {
                     ++number;
                     if (blank(*record.texts[0])) continue;
                     documents.push_back(*record.texts[0]);
                     numbers.push_back(number);
                   }
                 });
  if (documents.empty()) fail(ErrorCode::kInvalid, command.files.input, "a document was expected, none came");
  std::int64_t cut = 0;
  const auto ranked = model.rerank(command.query, documents, command.options, &session.job);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    const RankedDocument& document = ranked[i];
    const std::string& text = documents[document.document];
    cut += document.cut ? 1 : 0;
    results.add({.object = {{"rank", i + 1},
                            {"document", numbers[document.document]},
                            {"score", document.score},
                            {"text", text}},
                 .rows = {{std::to_string(i + 1), std::to_string(numbers[document.document]),
                           number_text(document.score), text}},
                 .text = fmt::format("{:>{}}  {:.4f}  {}\n", i + 1, std::to_string(ranked.size()).size(),
                                     document.score, text)});
  }
  warn_of_cut(cut, std::int64_t(ranked.size()));
  results.finish("documents");
  return kDone;
}

}  // namespace

Action setup_rerank(CommandLine& line) {
  auto command = std::make_shared<RerankCommand>();
  line.describe(
      "Prints rank, score and document, best first. The model needs a head for sequence classification with\n"
      "one label (a cross-encoder).");
  line.positional("MODEL", command->files.model, "A cross-encoder");
  line.rest("DOCUMENT", command->files.texts, "Documents; from --input or standard input when absent");
  line.group("Ranking");
  line.text("--query", command->query, "TEXT", "What is looked for", true);
  line.number<std::int64_t>("-k,--top-k", command->top_k, "Documents to show; 0: all", 0);
  line.choice("--function", command->options.function, {"sigmoid", "none"}, "What makes scores of the logits",
              "as the model's config says, else sigmoid");
  declare_files(line, command->files, "Documents: one a line, or a csv, tsv or jsonl file");
  line.text("--column", command->column, "NAME", "The document in csv, tsv and jsonl");
  line.machine_options();
  line.output_options();
  line.examples(
      {"swiftlet rerank models/reranker --query \"capital of Peru\" \"Lima lies ...\" \"Quito lies ...\"",
       "swiftlet rerank models/reranker --query \"tax return\" --input notes.txt --top-k 5"});
  return [command, &line](Session& session) { return rerank(session, *command, line.given("--column")); };
}

}  // namespace swiftlet::cli
