#include "swiftlet/text/tokenizer_json.h"

#include <algorithm>
#include <charconv>

#include "swiftlet/text/unicode.h"

namespace swiftlet::text {

MergeTable derive_merges(const Vocabulary& vocabulary, const std::vector<std::int32_t>& order) {
  struct Found {
    std::int32_t left, right, id;
  };
  std::vector<Found> merges;
  struct Cut {
    std::uint32_t hash, at;  // of what stands before it
  };
  std::vector<Cut> cuts;
  for (const std::int32_t id : order) {
    const std::string_view token = vocabulary.token(id);
    const std::size_t before = merges.size();
    cuts.clear();
    TokenHash hash;
    for (std::uint32_t cut = 1; cut < token.size(); ++cut) {
      hash.add(token[cut - 1]);
      if (is_continuation_byte(token[cut])) continue;
      vocabulary.expect(hash.value());
      cuts.push_back({hash.value(), cut});
    }
    for (const Cut& cut : cuts) {
      const std::int32_t left = vocabulary.find(cut.hash, token.substr(0, cut.at), {});
      if (left == Vocabulary::kNone) continue;
      const std::int32_t right = vocabulary.find(token.substr(cut.at));
      if (right != Vocabulary::kNone) merges.push_back({left, right, id});
    }
    std::sort(merges.begin() + static_cast<std::ptrdiff_t>(before), merges.end(),
              [](const Found& a, const Found& b) {
                return a.left != b.left ? a.left < b.left : a.right < b.right;
              });
  }
  MergeTable table(merges.size());
  for (std::size_t rank = 0; rank < merges.size(); ++rank)
    table.set(merges[rank].left, merges[rank].right, {static_cast<std::uint32_t>(rank), merges[rank].id});
  return table;
}

OrderedJson split_template(std::string_view form, std::vector<std::string>& special) {
  OrderedJson pieces = OrderedJson::array();
  for (std::size_t at = 0; at < form.size();) {
    const std::size_t end = std::min(form.find(' ', at), form.size());
    std::string name(form.substr(at, end - at));
    at = end + 1;
    int type_id = 0;
    if (name.size() > 2 && name[name.size() - 2] == ':') {
      type_id = name.back() - '0';
      name.resize(name.size() - 2);
    }
    const bool is_text = name == "A" || name == "B";
    pieces.push_back({{is_text ? "Sequence" : "SpecialToken", {{"id", name}, {"type_id", type_id}}}});
    if (!is_text && std::find(special.begin(), special.end(), name) == special.end()) special.push_back(name);
  }
  return pieces;
}

OrderedJson byte_level_json(bool add_prefix_space, bool use_regex, bool trim_offsets) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", trim_offsets},
          {"use_regex", use_regex}};
}
OrderedJson replace_json(const std::string& pattern, const std::string& content, bool regex) {
  return {{"type", "Replace"}, {"pattern", {{regex ? "Regex" : "String", pattern}}}, {"content", content}};
}
OrderedJson sequence_json(const char* member, OrderedJson parts) {
  OrderedJson json{{"type", "Sequence"}};
  json[member] = std::move(parts);
  return json;
}
OrderedJson metaspace_json(const std::string& scheme, bool split) {
  return {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", split}};
}
OrderedJson split_json(const std::string& regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<std::uint8_t>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json_member(std::string& out, std::string_view key, std::string_view value) {
  if (out.back() != '{') out += ',';
  append_json_string(out, key);
  out += ':';
  out += value;
}

std::string dump(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::strict);
}

ModelWriter::ModelWriter(const OrderedJson& members) : text_(dump(members)) {
  text_.pop_back();
}

void ModelWriter::member(std::string_view name, std::string_view json) {
  text_ += fmt::format(",\"{}\":{}", name, json);
}

void ModelWriter::vocabulary(Vocabulary vocabulary) {
  tables_.emplace();
  tables_->vocabulary = std::move(vocabulary);
}

std::string vocabulary_json(const Vocabulary& vocabulary) {
  std::string text = "{";
  for (std::int32_t id = 0; id < vocabulary.end_id(); ++id) {
    if (!vocabulary.has(id)) continue;
    if (text.size() > 1) text += ',';
    append_json_string(text, vocabulary.token(id));
    char digits[16];
    digits[0] = ':';
    text.append(digits, std::to_chars(digits + 1, digits + sizeof digits, id).ptr);
  }
  return text + "}";
}

namespace {

// [["a", "b"], ...], the most urgent first.
std::string merges_json(const Vocabulary& vocabulary, const MergeTable& merges) {
  struct Pair {
    std::uint32_t rank;
    std::int32_t left, right;
  };
  std::vector<Pair> pairs;
  merges.each([&](std::int32_t left, std::int32_t right, const Merge& merge) {
    pairs.push_back({merge.rank, left, right});
  });
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.rank < b.rank; });
  std::string text = "[";
  for (const Pair& pair : pairs) {
    text += text.size() > 1 ? ",[" : "[";
    append_json_string(text, vocabulary.token(pair.left));
    text += ',';
    append_json_string(text, vocabulary.token(pair.right));
    text += ']';
  }
  return text + "]";
}

}  // namespace

void ModelWriter::scored(const std::vector<std::pair<std::string, double>>& tokens) {
  text_ += ",\"vocab\":[";
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    text_ += i > 0 ? ",[" : "[";
    append_json_string(text_, tokens[i].first);
    fmt::format_to(std::back_inserter(text_), ",{}]", tokens[i].second);
  }
  text_ += ']';
}

TokenizerText ModelWriter::finish(const TokenizerParts& parts, std::string config) {
  std::string text = dump({{"version", "1.0"},
                           {"truncation", nullptr},
                           {"padding", nullptr},
                           {"added_tokens", parts.added_tokens},
                           {"normalizer", parts.normalizer},
                           {"pre_tokenizer", parts.pre_tokenizer},
                           {"post_processor", parts.post_processor},
                           {"decoder", parts.decoder}});
  text.pop_back();
  return {text + ",\"model\":" + text_ + "}}", std::move(config), std::move(tables_), {}, {}};
}

std::string whole_json(std::string_view json, const ModelTables& tables, bool merges) {
  std::string text(json.substr(0, json.size() - 2));  // the model is the last member
  text += ",\"vocab\":" + vocabulary_json(tables.vocabulary);
  if (merges) text += ",\"merges\":" + merges_json(tables.vocabulary, tables.merges);
  return text + "}}";
}

}  // namespace swiftlet::text
