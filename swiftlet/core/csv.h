// Comma- or tab-separated records (RFC 4180) in bounded memory.
//
//   a,"b, ""quoted"",
//   over two lines",c          -> {a} {b, "quoted",\nover two lines} {c}
//
// Records end with "\n" or "\r\n"; the last may go without. A quote inside an unquoted field is an ordinary
// character, as spreadsheets and pandas read it. One thread at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "swiftlet/core/text_source.h"

namespace swiftlet {

struct CsvOptions {
  char delimiter = ',';
  bool quotes = true;  // false: a quote is an ordinary character everywhere (most .tsv files)
  TextSourceOptions source = {};
};

class CsvReader {
 public:
  // Plain or gzip. Throws as TextSource does.
  explicit CsvReader(const std::filesystem::path& path, CsvOptions options = {})
      : source_(path, options.source), options_(options) {}

  // The fields of the next record; false at the end. Empty lines are skipped. Throws kInvalid with file and
  // line for a quote that is never closed, text behind a closing quote and a record over 16 MiB.
  bool next(std::vector<std::string>& fields);
  // "dev.csv:17": where the record that next() gave last begins, for messages.
  std::string where() const;

 private:
  bool at_record_end();
  void read_quoted(std::string& field);
  void read_plain(std::string& field);
  void check_size() const;
  void put(std::string& field, int byte);
  int take();

  TextSource source_;
  CsvOptions options_;
  std::size_t line_ = 1;          // where the reader stands
  std::size_t record_line_ = 0;   // where the record began
  std::size_t record_bytes_ = 0;  // memory the record takes so far
};

}  // namespace swiftlet
