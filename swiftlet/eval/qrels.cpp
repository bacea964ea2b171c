#include "swiftlet/eval/qrels.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/text_source.h"

namespace swiftlet {
namespace {

std::vector<std::string_view> split(std::string_view line, std::string_view separators) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = line.find_first_not_of(separators); begin != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(separators, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(separators, end);
  }
  return fields;
}

std::optional<int> parse_relevance(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void add_judgement(const std::string& where, Qrels& qrels, std::string_view query, std::string_view document,
                   std::string_view relevance_text) {
  const std::optional<int> relevance = parse_relevance(relevance_text);
  require(relevance.has_value(), where, "expected an integer relevance, got '{}'", relevance_text);
  const auto [judged, fresh] = qrels[std::string(query)].emplace(document, *relevance);
  require(fresh || judged->second == *relevance, where, "document {} of query {} is judged both {} and {}",
          document, query, judged->second, *relevance);
}

}  // namespace

Qrels read_trec_qrels(const std::filesystem::path& path) {
  LineReader reader(path);
  Qrels qrels;
  for (std::string line; reader.next(line);) {
    const auto fields = split(line, " \t\r");
    if (fields.empty()) continue;
    require(fields.size() == 4, reader.where(),
            "expected 4 fields (query iteration document relevance), got {}", fields.size());
    add_judgement(reader.where(), qrels, fields[0], fields[2], fields[3]);
  }
  require(!qrels.empty(), path.string(), "holds no judgement");
  return qrels;
}

Qrels read_beir_qrels(const std::filesystem::path& path) {
  LineReader reader(path);
  Qrels qrels;
  bool first_line = true;
  for (std::string line; reader.next(line);) {
    const auto fields = split(line, "\t");
    if (fields.empty()) continue;
    require(fields.size() == 3, reader.where(),
            "expected 3 fields with tabs between (query document relevance), got {}", fields.size());
    const bool header = first_line && !parse_relevance(fields[2]);
    first_line = false;
    if (!header) add_judgement(reader.where(), qrels, fields[0], fields[1], fields[2]);
  }
  require(!qrels.empty(), path.string(), "holds no judgement");
  return qrels;
}

}  // namespace swiftlet
