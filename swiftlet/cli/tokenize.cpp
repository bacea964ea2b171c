// swiftlet tokenize MODEL [--decode]: texts to token ids and back, one a line.
#include <charconv>
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"

namespace swiftlet::cli {
namespace {

struct TokenizeOptions {
  std::string model, input = "-";
  bool decode = false, jsonl = false, no_special = false, keep_special = false;
};

// Where the input stands, for messages: "FILE:12".
struct Place {
  const std::string& file;
  std::int64_t line = 0;
  std::string text() const { return fmt::format("{}:{}", file == "-" ? "standard input" : file, line); }
};

std::string parse_json_string(const std::string& line, const Place& place) {
  const Json value = Json::parse(line, nullptr, false);
  if (!value.is_string()) fail(ErrorCode::kInvalid, place.text(), "a JSON string was expected");
  return value.get<std::string>();
}

// "12 7 431", also with commas and brackets around.
std::vector<std::int32_t> parse_ids(const std::string& line, const Place& place) {
  std::vector<std::int32_t> ids;
  const char *at = line.data(), *end = at + line.size();
  while (at != end) {
    if (std::string_view(" ,[]\t").find(*at) != std::string_view::npos) {
      ++at;
      continue;
    }
    std::int32_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0)
      fail(ErrorCode::kInvalid, place.text(), "a token id was expected, \"{}\" came",
           std::string(at, std::min(end, at + 20)));
    ids.push_back(id);
    at = next;
  }
  return ids;
}

class Translator {
 public:
  Translator(Session& session, const Model& model, const TokenizeOptions& options)
      : session_(session), model_(model), options_(options), vocabulary_(model.info().vocab_size) {}

  void line(const std::string& text, const Place& place) {
    if (session_.job.cancelled()) fail(ErrorCode::kCancelled, "tokenize", "interrupted");
    if (options_.decode)
      decode(checked(parse_ids(text, place), place));
    else
      encode(options_.jsonl ? parse_json_string(text, place) : text);
    ++lines_;
  }
  void finish() {
    if (!session_.options.json) return;
    Json object{{"model", options_.model}, {"lines", lines_}, {"tokens", tokens_}};
    object[options_.decode ? "texts" : "ids"] = std::move(results_);
    session_.print_json(object);
  }

 private:
  void encode(const std::string& text) {
    const std::vector<std::int32_t> ids = model_.tokenize(text, !options_.no_special);
    tokens_ += std::int64_t(ids.size());
    if (session_.options.json)
      results_.push_back(ids);
    else
      session_.out.line(fmt::format("{}", fmt::join(ids, " ")));
  }
  std::vector<std::int32_t> checked(std::vector<std::int32_t> ids, const Place& place) const {
    for (const std::int32_t id : ids)
      if (id >= vocabulary_)
        fail(ErrorCode::kInvalid, place.text(), "token id {} is outside the vocabulary of {}", id,
             vocabulary_);
    return ids;
  }
  void decode(const std::vector<std::int32_t>& ids) {
    const std::string text = model_.detokenize(ids, !options_.keep_special);
    tokens_ += std::int64_t(ids.size());
    if (session_.options.json)
      results_.push_back(text);
    else if (options_.jsonl)
      session_.out.line(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
    else
      session_.out.line(text);
  }

  Session& session_;
  const Model& model_;
  const TokenizeOptions& options_;
  std::int64_t vocabulary_, lines_ = 0, tokens_ = 0;
  Json results_ = Json::array();
};

int tokenize(Session& session, const TokenizeOptions& options) {
  if (options.keep_special && !options.decode) wrong_use("tokenize", "--keep-special goes with --decode");
  if (options.keep_special && options.no_special)
    wrong_use("tokenize", "--keep-special and --no-special exclude each other");
  Input input(options.input, session.job);
  const Model model = session.load(options.model);
  if (options.input == "-" && stdin_is_terminal())
    write_stderr(
        fmt::format("Type one {} a line; Ctrl-D ends:\n", options.decode ? "list of token ids" : "text"));
  Translator translator(session, model, options);
  input.before_wait([&] { session.out.flush(); });
  Place place{options.input};
  while (const auto text = input.line()) {
    ++place.line;
    translator.line(*text, place);
  }
  translator.finish();
  return kDone;
}

}  // namespace

Action setup_tokenize(CommandLine& line) {
  auto options = std::make_shared<TokenizeOptions>();
  line.describe(
      "Reads one text a line and prints one line of ids, or the other way round with --decode. A text may\n"
      "hold line breaks with --jsonl, where each line is a JSON string.");
  line.positional("MODEL", options->model, "A model with a tokenizer");
  line.group("Texts");
  line.text("-i,--input", options->input, "FILE", "One text a line; - for standard input");
  line.flag("--decode", options->decode, "From ids to texts");
  line.flag("--jsonl", options->jsonl, "Texts are JSON strings, one a line");
  line.flag("--no-special", options->no_special, "Do not add special tokens such as [CLS] or <s>");
  line.flag("--keep-special", options->keep_special, "With --decode: print special tokens too");
  line.output_options();
  line.examples({"echo \"a small swift\" | swiftlet tokenize models/minilm",
                 "echo \"101 1037 2235 102\" | swiftlet tokenize models/minilm --decode",
                 "swiftlet tokenize assets/stories-7m --jsonl --no-special --input texts.jsonl"});
  return [options](Session& session) { return tokenize(session, *options); };
}

}  // namespace swiftlet::cli
