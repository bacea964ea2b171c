#include "swiftlet/eval/sentence_pairs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "swiftlet/core/csv.h"
#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

struct Columns {
  std::size_t first = 0, second = 1, score = 2;
  std::size_t fields = 3;  // how many every record must have
};

bool is_tab_separated(std::filesystem::path path) {
  if (path.extension() == ".gz") path.replace_extension();
  return path.extension() == ".tsv";
}

std::optional<std::size_t> find_column(const std::vector<std::string>& header, std::string_view name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

// The columns that a header names; nullopt when the record is not a header.
std::optional<Columns> parse_header(const std::vector<std::string>& fields) {
  const auto first = find_column(fields, "sentence1"), second = find_column(fields, "sentence2");
  if (!first || !second) return std::nullopt;
  for (const std::string_view name : {"score", "similarity_score", "label"})
    if (const auto score = find_column(fields, name)) return Columns{*first, *second, *score, fields.size()};
  return std::nullopt;
}

double parse_score(const std::string& where, std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size() && std::isfinite(value), where,
          "expected a score, got '{}'", text.substr(0, 60));
  return value;
}

SentencePair parse_pair(const std::string& where, std::vector<std::string>& fields, const Columns& columns) {
  require(fields.size() == columns.fields, where, "expected {} fields ({}), got {}", columns.fields,
          columns.fields == 3 ? "sentence1, sentence2, score" : "as in the header", fields.size());
  require(!fields[columns.first].empty() && !fields[columns.second].empty(), where, "a sentence is empty");
  const double score = parse_score(where, fields[columns.score]);
  return {std::move(fields[columns.first]), std::move(fields[columns.second]), score};
}

}  // namespace

std::vector<SentencePair> read_sentence_pairs(const std::filesystem::path& path) {
  const bool tabs = is_tab_separated(path);
  CsvReader reader(path, {.delimiter = tabs ? '\t' : ',', .quotes = !tabs});
  std::vector<SentencePair> pairs;
  Columns columns;
  bool first_record = true;
  for (std::vector<std::string> fields; reader.next(fields);) {
    if (first_record) {
      first_record = false;
      if (const auto named = parse_header(fields)) {
        columns = *named;
        continue;
      }
    }
    pairs.push_back(parse_pair(reader.where(), fields, columns));
  }
  require(!pairs.empty(), path.string(), "holds no sentence pair");
  return pairs;
}

}  // namespace swiftlet
