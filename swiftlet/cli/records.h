// Records of texts, as the commands of tasks read them: one a line, CSV or TSV with a header (RFC 4180), or
// JSON lines; plain or gzip, from files or standard input.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/job.h"

namespace swiftlet::cli {

// A text of each record: which column of a header, which key of a JSON object.
struct Field {
  std::string column;   // the usual name, or what the user asked for
  bool named = false;   // by the user: then it must be there
  bool needed = false;  // by the command
};

struct Record {
  std::vector<std::optional<std::string>> texts;  // of each field
  std::string where;                              // "x.csv:17", for messages
};

// "text", "csv", "tsv" or "jsonl": what the name ends in, be it followed by .gz; else text.
std::string format_of(const std::string& path);

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // None after the last. Throws kInvalid with file and line for a record that is malformed or lacks a text.
  virtual std::optional<Record> next() = 0;
  // As many as there are up to `most`.
  std::vector<Record> take(std::size_t most);
};

// `path` "-" is standard input; an empty format is format_of(path). Throws as files do, kInvalid where the
// header lacks a column. Where nobody named the first field, a file with one column needs no usual name.
// Lines of text have one field, and JSON lines may be strings.
std::unique_ptr<RecordReader> open_records(const std::string& path, std::string format,
                                           std::vector<Field> fields, const Job& job);
// Texts that came as arguments: the first field of each record.
std::unique_ptr<RecordReader> argument_records(std::vector<std::string> texts, std::size_t fields);

}  // namespace swiftlet::cli
