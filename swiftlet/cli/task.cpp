#include "swiftlet/cli/task.h"

#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"
#include "swiftlet/core/memory.h"

namespace swiftlet::cli {
namespace {

constexpr std::size_t kBatch = 4096;

// RFC 4180.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i > 0 ? "," : "") + cell(cells[i]);
  return line + "\n";
}

// Text of files may be malformed UTF-8; the line must stay readable.
std::string json_line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void declare_files(CommandLine& line, TaskFiles& files, const std::string& columns) {
  line.group("Texts and results");
  line.text("-i,--input", files.input, "FILE", columns + "; - for standard input");
  line.choice("--input-format", files.input_format, {"text", "csv", "tsv", "jsonl"}, "Form of the input",
              "by the file's name");
  line.text("-o,--output", files.output, "FILE", "Write the results there");
  line.choice("--format", files.format, {"text", "csv", "jsonl"}, "Form of the results",
              "by the output's name");
}

std::string number_text(double number) {
  return fmt::format("{:.6g}", number);
}

Results::Results(Session& session, const TaskFiles& files, std::vector<std::string> columns)
    : session_(session), model_(files.model), format_(files.format), columns_(std::move(columns)) {
  if (session.options.json && (!files.output.empty() || !files.format.empty()))
    wrong_use(files.model,
              "--json prints all results as one object: --output and --format do not go with it");
  if (format_.empty()) format_ = files.output.empty() ? "text" : format_of(files.output);
  if (format_ == "tsv") wrong_use(files.output, "results are written as text, csv or jsonl");
  if (!files.output.empty()) {
    check_apart("task", "--output", files.output, {files.model, files.input == "-" ? "" : files.input});
    file_.emplace(files.output);
  }
  if (format_ == "csv" && !session.options.json) write(csv_line(columns_));
}

void Results::write(const std::string& text) {
  if (file_) {
    file_->write(text);
    return;
  }
  session_.progress.clear();
  session_.out.write(text);
}

void Results::add(const Shown& shown) {
  ++count_;
  if (session_.options.json) {
    all_.push_back(shown.object);
  } else if (format_ == "jsonl") {
    write(json_line(shown.object));
  } else if (format_ == "csv") {
    for (const auto& row : shown.rows) write(csv_line(row));
  } else {
    write(shown.text);
  }
}

void Results::finish(const std::string& unit) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (file_) file_->commit();
  session_.progress.clear();
  const double rate = seconds > 0 ? double(count_) / seconds : 0;
  if (session_.options.json)
    session_.print_json({{"model", model_},
                         {unit, count_},
                         {"seconds", seconds},
                         {unit + "_per_second", rate},
                         {"peak_memory_bytes", peak_memory_bytes()},
                         {"results", std::move(all_)}});
  session_.note("{} {}, {} {}/s; peak memory {}", grouped(std::int64_t(count_)), unit, human_number(rate),
                unit, human_bytes(std::int64_t(peak_memory_bytes())));
}

void for_each_batch(Session& session, const std::string& command, TaskFiles& files,
                    const std::vector<Field>& fields,
                    const std::function<void(const std::vector<Record>&)>& work) {
  if (!files.input.empty() && !files.texts.empty())
    wrong_use(command, "either TEXT or --input was expected, both came");
  const bool arguments = !files.texts.empty();
  const std::string path = files.input.empty() ? "-" : files.input;
  if (!arguments && path == "-" && stdin_is_terminal()) write_stderr("Type one text a line, then Ctrl-D:\n");
  const auto reader = arguments ? argument_records(std::move(files.texts), fields.size())
                                : open_records(path, files.input_format, fields, session.job);
  bool any = false;
  for (auto records = reader->take(kBatch); !records.empty(); records = reader->take(kBatch)) {
    work(records);
    any = true;
  }
  if (!any)
    fail(ErrorCode::kInvalid, files.input.empty() ? command : files.input, "a text was expected, none came");
}

std::vector<std::string> texts_of(const std::vector<Record>& records) {
  std::vector<std::string> texts;
  for (const Record& record : records) texts.push_back(*record.texts[0]);
  return texts;
}

void add_range(Json& object, const TextRange& range) {
  object["begin"] = range.begin_character;
  object["end"] = range.end_character;
  object["begin_byte"] = range.begin;
  object["end_byte"] = range.end;
}

}  // namespace swiftlet::cli
