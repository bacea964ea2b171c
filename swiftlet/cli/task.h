// What the commands of tasks (classify, rerank, tag, answer, fill) share: where texts come from, where
// results go and in which form.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/records.h"
#include "swiftlet/core/file.h"

namespace swiftlet::cli {

// Options of the group "Texts and results".
struct TaskFiles {
  std::string model, input, input_format, output, format;
  std::vector<std::string> texts;  // as arguments
};

// Declares --input, --input-format, --output, --format. `columns`: what a record may hold, for the help.
void declare_files(CommandLine& line, TaskFiles& files, const std::string& columns);

// One result in every form: an object of JSON lines, rows of a table, lines for a reader.
struct Shown {
  Json object;
  std::vector<std::vector<std::string>> rows;
  std::string text;
};

// Numbers as tables have them: the shortest decimal of six digits.
std::string number_text(double number);

class Results {
 public:
  // `columns`: of csv. Throws Failure (wrong use) for a format that cannot be.
  Results(Session& session, const TaskFiles& files, std::vector<std::string> columns);
  void add(const Shown& shown);
  std::size_t count() const { return count_; }
  // What --json prints, with `results`; the file appears whole. The time counts from the beginning of this
  // object.
  void finish(const std::string& unit);

 private:
  void write(const std::string& text);
  Session& session_;
  std::string model_, format_;
  std::vector<std::string> columns_;
  std::optional<OutputFile> file_;
  std::string pending_;
  Json all_ = Json::array();
  std::size_t count_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The records of the arguments or of the input, a few thousand at a time, through `work`. Throws kInvalid
// where there is none.
void for_each_batch(Session& session, const std::string& command, TaskFiles& files,
                    const std::vector<Field>& fields,
                    const std::function<void(const std::vector<Record>&)>& work);

// The first text of each record.
std::vector<std::string> texts_of(const std::vector<Record>& records);

// begin, end (characters), begin_byte, end_byte.
void add_range(Json& object, const TextRange& range);

}  // namespace swiftlet::cli
