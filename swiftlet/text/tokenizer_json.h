// Writing a tokenizer.json: what converters of other files share.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/text/model.h"

namespace swiftlet::text {

using OrderedJson = nlohmann::ordered_json;

class TokenSettings;

// A tokenizer as Tokenizer::from_text() takes it.
struct TokenizerText {
  std::string json;    // the text of a tokenizer.json; where there are tables, without what they hold
  std::string config;  // the text of its tokenizer_config.json, which names the roles of tokens; may be empty
  std::optional<ModelTables> tables;  // "vocab" and "merges" of the model
  Buffer whole;                       // the whole tokenizer.json beside the tables, where there is one
  std::shared_ptr<const TokenSettings> beside;  // of the files beside `json`, to be put on top of it
};

// All pairs of tokens whose texts together are a token: the best results first, and, for one result, in the
// order of the pair's ids. `order`: ids of results, best first.
MergeTable derive_merges(const Vocabulary& vocabulary, const std::vector<std::int32_t>& order);

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

// Makes the model of a tokenizer, member by member, and puts the parts around it. What becomes a table is not
// written as JSON, which would only be read again.
class ModelWriter {
 public:
  explicit ModelWriter(const OrderedJson& members);  // all members but "vocab" and "merges"
  void vocabulary(Vocabulary vocabulary);
  // REQUIRES: vocabulary() came before.
  void merges(MergeTable merges) { tables_->merges = std::move(merges); }
  // REQUIRES: neither of them came.
  void member(std::string_view name, std::string_view json);
  // [["token", score], ...]
  void scored(const std::vector<std::pair<std::string, double>>& tokens);
  TokenizerText finish(const TokenizerParts& parts, std::string config);

 private:
  std::string text_;
  std::optional<ModelTables> tables_;
};

// {"token": id, ...}
std::string vocabulary_json(const Vocabulary& vocabulary);
// The tokenizer.json of which ModelWriter made `json` and `tables`. `merges`: the model has a list of them.
std::string whole_json(std::string_view json, const ModelTables& tables, bool merges);

// Appends a member to the text of an object that is being written: "{" or more.
void append_json_member(std::string& out, std::string_view key, std::string_view value);

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
