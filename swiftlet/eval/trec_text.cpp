#include "swiftlet/eval/trec_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/text_source.h"
#include "swiftlet/core/trim.h"

namespace swiftlet {
namespace {

constexpr std::uint64_t kFileLimit = std::uint64_t{256} << 20;

bool same_letters(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return lower(a) == lower(b);
}

// Where `tag` stands at or behind `from`, in any case.
std::optional<std::size_t> find_tag(std::string_view text, std::string_view tag, std::size_t from) {
  for (std::size_t at = text.find('<', from); at != std::string_view::npos; at = text.find('<', at + 1)) {
    const std::string_view here = text.substr(at, tag.size());
    if (here.size() == tag.size() && std::equal(here.begin(), here.end(), tag.begin(), same_letters))
      return at;
  }
  return std::nullopt;
}

// The five entities of XML; any other text with an ampersand stays as it is.
std::string replace_entities(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string result;
  while (!text.empty()) {
    const auto* entity = std::find_if(kEntities.begin(), kEntities.end(), [&](const auto& candidate) {
      return text.starts_with(candidate.first);
    });
    const bool found = entity != kEntities.end();
    result += found ? entity->second : text.front();
    text.remove_prefix(found ? entity->first.size() : 1);
  }
  return result;
}

std::string read_child(const std::string& where, std::string_view body, const std::string& name) {
  const auto open = find_tag(body, "<" + name + ">", 0);
  require(open.has_value(), where, "the record has no <{}>", name);
  const std::size_t begin = *open + name.size() + 2;
  const auto close = find_tag(body, "</" + name + ">", begin);
  require(close.has_value(), where, "<{}> is not closed", name);
  return replace_entities(trimmed(body.substr(begin, *close - begin)));
}

}  // namespace

std::vector<TrecRecord> read_trec_records(const std::filesystem::path& path, const std::string& record,
                                          const std::vector<std::string>& children) {
  const std::string text = read_text(path, kFileLimit);
  const std::string open_tag = "<" + record + ">", close_tag = "</" + record + ">";
  std::vector<TrecRecord> records;
  std::size_t line = 1, counted_to = 0;
  for (auto open = find_tag(text, open_tag, 0); open; open = find_tag(text, open_tag, *open)) {
    line += static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted_to),
                                                text.begin() + static_cast<std::ptrdiff_t>(*open), '\n'));
    counted_to = *open;
    const std::string where = fmt::format("{}:{}", path.string(), line);
    const std::size_t begin = *open + open_tag.size();
    const auto close = find_tag(text, close_tag, begin);
    require(close.has_value(), where, "<{}> is not closed", record);
    const std::string_view body = std::string_view(text).substr(begin, *close - begin);
    require(!find_tag(body, open_tag, 0), where, "<{}> is not closed before the next one", record);
    TrecRecord& result = records.emplace_back();
    result.line = line;
    for (const std::string& child : children) result.fields.push_back(read_child(where, body, child));
    *open = *close;
  }
  require(!records.empty(), path.string(), "holds no <{}>", record);
  return records;
}

}  // namespace swiftlet
