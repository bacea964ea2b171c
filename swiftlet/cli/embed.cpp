// swiftlet embed MODEL [TEXT...]: one vector for each text.
#include <chrono>
#include <filesystem>
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"
#include "swiftlet/core/memory.h"

namespace swiftlet::cli {
namespace {

struct EmbedOptions {
  std::string model, input, output, prompt;
  std::vector<std::string> texts;
};

void check(const EmbedOptions& options) {
  if (!options.input.empty() && !options.texts.empty())
    wrong_use("embed", "either TEXT or --input was expected, both came");
  if (options.output.empty()) return;
  const std::string extension = std::filesystem::path(options.output).extension().string();
  if (extension != ".npy" && extension != ".jsonl")
    wrong_use("embed", fmt::format("--output must end in .npy or .jsonl, not \"{}\"", options.output));
}

std::vector<std::string> read_texts(Session& session, EmbedOptions& options) {
  if (!options.texts.empty()) return std::move(options.texts);
  const std::string path = options.input.empty() ? "-" : options.input;
  if (path == "-" && stdin_is_terminal()) write_stderr("Type one text a line, then Ctrl-D:\n");
  return Input(path, session.job).lines();
}

// A float in its shortest form, which JSON would print as a long double otherwise.
double shortest(float value) {
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);
}

Json rows_json(const Embeddings& vectors) {
  Json rows = Json::array();
  for (std::int64_t row = 0; row < vectors.rows; ++row) {
    Json values = Json::array();
    for (std::int64_t i = 0; i < vectors.columns; ++i)
      values.push_back(shortest(vectors.values[std::size_t(row * vectors.columns + i)]));
    rows.push_back(std::move(values));
  }
  return rows;
}

void print_lines(Session& session, const Embeddings& vectors, const std::vector<std::string>& texts) {
  for (std::int64_t row = 0; row < vectors.rows; ++row)
    session.out.line(embedding_line(vectors, row, texts[std::size_t(row)]));
}

int embed(Session& session, EmbedOptions& options) {
  check(options);
  const std::vector<std::string> texts = read_texts(session, options);
  if (texts.empty())
    fail(ErrorCode::kInvalid, options.input.empty() ? "embed" : options.input,
         "a text was expected, none came");
  Model model = session.load(options.model);
  const auto start = std::chrono::steady_clock::now();
  const Embeddings vectors = model.embed(texts, &session.job, options.prompt);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double tokens = double(model.embedded_tokens());
  warn_of_cut(vectors.cut, vectors.rows);
  if (!options.output.empty()) write_embeddings(vectors, texts, options.output);
  session.progress.clear();
  if (session.options.json) {
    Json object{{"model", options.model},
                {"rows", vectors.rows},
                {"columns", vectors.columns},
                {"tokens", model.embedded_tokens()},
                {"seconds", seconds},
                {"sentences_per_second", double(vectors.rows) / seconds},
                {"tokens_per_second", tokens / seconds},
                {"peak_memory_bytes", peak_memory_bytes()}};
    if (options.output.empty())
      object["embeddings"] = rows_json(vectors);
    else
      object["output"] = options.output;
    session.print_json(object);
    return kDone;
  }
  if (options.output.empty()) print_lines(session, vectors, texts);
  session.note("{} texts, {} values each; {} texts/s, {} tokens/s; peak memory {}", grouped(vectors.rows),
               vectors.columns, human_number(double(vectors.rows) / seconds), human_number(tokens / seconds),
               human_bytes(std::int64_t(peak_memory_bytes())));
  return kDone;
}

}  // namespace

Action setup_embed(CommandLine& line) {
  auto options = std::make_shared<EmbedOptions>();
  line.describe("Prints one JSON object a line, {\"text\": ..., \"embedding\": [...]}, or writes a file.");
  line.positional("MODEL", options->model, "An encoder");
  line.rest("TEXT", options->texts, "Texts; one a line from --input or standard input when absent");
  line.group("Files");
  line.text("-i,--input", options->input, "FILE", "One text a line; - for standard input");
  line.text("-o,--output", options->output, "FILE", "x.npy (f32 matrix, one row a text) or x.jsonl");
  line.group("Vectors");
  line.text("--prompt", options->prompt, "NAME",
            "The model's prompt to put before every text; none: not even its default");
  line.machine_options();
  line.output_options();
  line.examples({"swiftlet embed models/minilm \"a fast bird\" \"a small swift\"",
                 "swiftlet embed models/minilm --input assets/text/corpus.txt --output corpus.npy",
                 "cut -d, -f1 assets/stsb/dev.csv | swiftlet embed minilm.swiftlet --output dev.jsonl"});
  return [options](Session& session) { return embed(session, *options); };
}

}  // namespace swiftlet::cli
