// Writing a tokenizer.json: what converters of other files share.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/text/vocabulary.h"

namespace swiftlet::text {

using OrderedJson = nlohmann::ordered_json;

// A tokenizer as Tokenizer::from_json() reads it.
struct TokenizerText {
  std::string json;    // the text of a tokenizer.json
  std::string config;  // the text of its tokenizer_config.json, which names the roles of tokens; may be empty
};

// Two neighbours that join, by their ids.
using MergePair = std::pair<std::int32_t, std::int32_t>;

// All pairs of tokens whose texts together are a token: the best results first, among equals those that come
// first in `order` and, for one result, in the order of the pair's ids. `order`: ids of results, best first.
std::vector<MergePair> derive_merges(const Vocabulary& vocabulary, const std::vector<std::int32_t>& order);

// Pieces of a "TemplateProcessing": special_template("<s> A </s>:1", ...) names special tokens and the texts
// A and B, each with its type id behind a colon where that is not 0. `find` gives the id of a token.
template <class Find>
OrderedJson template_processing(std::string_view single, std::string_view pair, Find&& find);

OrderedJson split_template(std::string_view form, std::vector<std::string>& special);

// {"type": "ByteLevel", ...} with the members that every version of the package wants.
OrderedJson byte_level_json(bool add_prefix_space, bool use_regex, bool trim_offsets);
OrderedJson replace_json(const std::string& pattern, const std::string& content, bool regex = false);
OrderedJson sequence_json(const char* member, OrderedJson parts);
OrderedJson metaspace_json(const std::string& scheme, bool split = true);
OrderedJson split_json(const std::string& regex);

// All of a tokenizer.json but its model; null for a stage that is not there.
struct TokenizerParts {
  OrderedJson added_tokens = OrderedJson::array();
  OrderedJson normalizer, pre_tokenizer, post_processor, decoder;
};

// The text of a tokenizer.json. The model is written member by member: an ordered_json object searches all
// its members on every insertion.
class ModelWriter {
 public:
  explicit ModelWriter(const OrderedJson& members);  // all members but "vocab" and "merges"
  void vocabulary(const Vocabulary& vocabulary);     // {"token": id, ...}
  void merges(const Vocabulary& vocabulary, const std::vector<MergePair>& merges);
  void member(std::string_view name, std::string_view json);
  // [["token", score], ...]
  void scored(const std::vector<std::pair<std::string, double>>& tokens);
  std::string finish(const TokenizerParts& parts);

 private:
  std::string text_;
};

// Appends `text` (valid UTF-8) as a JSON string.
void append_json_string(std::string& out, std::string_view text);

std::string dump(const OrderedJson& json);

template <class Find>
OrderedJson template_processing(std::string_view single, std::string_view pair, Find&& find) {
  std::vector<std::string> special;
  OrderedJson json;
  json["type"] = "TemplateProcessing";
  json["single"] = split_template(single, special);
  json["pair"] = split_template(pair, special);
  json["special_tokens"] = OrderedJson::object();
  for (const std::string& token : special)
    json["special_tokens"][token] = {{"id", token}, {"ids", {find(token)}}, {"tokens", {token}}};
  return json;
}

}  // namespace swiftlet::text
