// Reads the byte-pair model of a tokenizer.json: tokens and an ordered list of merges.
#include "swiftlet/text/bpe.h"

namespace swiftlet::text {
namespace {

struct Pair {
  std::string_view left, right;
};

// "left right". Tokens may hold spaces themselves ("   " joins two single ones): then the vocabulary tells
// which space is the one between.
std::optional<Pair> split_pair(std::string_view text, const Vocabulary& vocabulary) {
  const std::size_t first = text.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  if (text.find(' ', first + 1) == std::string_view::npos)
    return Pair{text.substr(0, first), text.substr(first + 1)};
  constexpr std::size_t kMostBytes = 1024;  // trying all spaces takes the square of the length
  for (std::size_t at = first; at != std::string_view::npos && text.size() <= kMostBytes;
       at = text.find(' ', at + 1)) {
    const Pair pair{text.substr(0, at), text.substr(at + 1)};
    const std::string joined = std::string(pair.left) += pair.right;
    if (vocabulary.find(pair.left) != Vocabulary::kNone && vocabulary.find(pair.right) != Vocabulary::kNone &&
        vocabulary.find(joined) != Vocabulary::kNone)
      return pair;
  }
  return std::nullopt;
}

// A string, or ["left", "right"].
Pair read_pair(const JsonView& merges, std::size_t index, simdjson::dom::element value,
               const Vocabulary& vocabulary) {
  std::string_view text;
  if (!value.get(text)) {
    if (const auto pair = split_pair(text, vocabulary)) return *pair;
    merges.item(index, value).invalid("expected two tokens with one space between, came {}", shown(text));
  }
  const JsonView item = merges.item(index, value);
  simdjson::dom::array both;
  if (value.get(both) || both.size() != 2)
    item.invalid("expected two tokens, came {}", shown(simdjson::minify(value)));
  return {item.item(0, both.at(0)).string(), item.item(1, both.at(1)).string()};
}

std::int32_t known_token(const Vocabulary& vocabulary, std::string_view token, const JsonView& merges,
                         std::size_t index, simdjson::dom::element value) {
  const std::int32_t id = vocabulary.find(token);
  if (id == Vocabulary::kNone)
    merges.item(index, value).invalid("names the token {}, which the vocabulary lacks", shown(token));
  return id;
}

MergeTable read_merges(const JsonView& merges, const Vocabulary& vocabulary, std::string_view prefix) {
  const simdjson::dom::array list = merges.array();
  std::size_t count = 0;  // counted by hand: simdjson's size() stops at 2^24 - 1
  for ([[maybe_unused]] simdjson::dom::element value : list) ++count;
  MergeTable table(count);
  std::size_t index = 0;
  std::uint32_t rank = 0;
  std::string joined;
  for (simdjson::dom::element value : list) {
    const std::size_t i = index++;
    std::string_view text;
    if (!value.get(text) && text.starts_with("#version")) continue;
    const Pair pair = read_pair(merges, i, value, vocabulary);
    const std::int32_t left = known_token(vocabulary, pair.left, merges, i, value);
    const std::int32_t right = known_token(vocabulary, pair.right, merges, i, value);
    joined = pair.left;
    joined += pair.right.starts_with(prefix) ? pair.right.substr(prefix.size()) : pair.right;
    table.set(left, right, {rank++, known_token(vocabulary, joined, merges, i, value)});
  }
  return table;
}

std::int32_t read_unknown(const JsonView& json, const Vocabulary& vocabulary) {
  const std::optional<JsonView> name = json.find("unk_token");
  if (!name) return Vocabulary::kNone;
  const std::int32_t id = vocabulary.find(name->string());
  if (id == Vocabulary::kNone)
    name->invalid("names a token that the vocabulary lacks: {}", shown(name->string()));
  return id;
}

BpeOptions read_options(const JsonView& json, const Vocabulary& vocabulary) {
  BpeOptions options;
  options.unknown_id = read_unknown(json, vocabulary);
  options.fuse_unknown = json.boolean_or("fuse_unk", false);
  options.byte_fallback = json.boolean_or("byte_fallback", false);
  options.ignore_merges = json.boolean_or("ignore_merges", false);
  options.continuing_prefix = json.string_or("continuing_subword_prefix", "");
  options.end_suffix = json.string_or("end_of_word_suffix", "");
  if (const auto dropout = json.find("dropout"); dropout && dropout->number() != 0)
    dropout->unsupported("random dropout of merges is not available (expected null or 0)");
  return options;
}

}  // namespace

ModelTables read_bpe(const JsonView& json) {
  ModelTables tables;
  tables.vocabulary = read_vocabulary(json.at("vocab"));
  tables.merges =
      read_merges(json.at("merges"), tables.vocabulary, json.string_or("continuing_subword_prefix", ""));
  return tables;
}

ModelPointer make_bpe(const JsonView& json, ModelTables tables) {
  BpeOptions options = read_options(json, tables.vocabulary);
  return std::make_unique<Bpe>(std::move(tables), std::move(options));
}

}  // namespace swiftlet::text
