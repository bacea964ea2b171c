// What the files beside a vocabulary say about its tokens: tokenizer_config.json, special_tokens_map.json and
// added_tokens.json, as transformers reads them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::text {

struct NamedToken {
  std::string content;
  std::int32_t id = Vocabulary::kNone;  // where the file tells it
  bool special = true, lstrip = false, rstrip = false, single_word = false, normalized = false;
  bool operator==(const NamedToken&) const = default;
};

class TokenSettings {
 public:
  TokenSettings() = default;
  // Throws kInvalid naming file and place.
  explicit TokenSettings(const TokenizerSource& source);

  // The class of transformers, without "Fast" and "Tokenizer": "Llama", "GPT2"; "" when nothing tells.
  const std::string& kind() const { return kind_; }
  // "model_type" of config.json; "" when it is not known.
  const std::string& model_type() const { return model_type_; }
  // "bos", "eos", "unk", "sep", "cls", "pad" or "mask", or another that the files name ("image").
  const NamedToken* role(const std::string& name) const;
  // Gives a role to a token where the files name none.
  void set_default_role(const std::string& name, NamedToken token);
  void set_default_role(const std::string& name, std::string content) {
    NamedToken token;
    token.content = std::move(content);
    set_default_role(name, std::move(token));
  }
  // A form of template_processing() with tokens for roles in parentheses: "(bos) A" -> "<s> A".
  std::string with_tokens(std::string form) const;
  std::string role_or(const std::string& name, const std::string& fallback) const;

  std::optional<bool> flag(const std::string& name) const;
  bool flag_or(const std::string& name, bool fallback) const { return flag(name).value_or(fallback); }
  std::optional<std::int64_t> number(const std::string& name) const;

  // Whether the files give tokens ids of their own (added_tokens_decoder, added_tokens.json).
  bool has_ids() const;

  // The "added_tokens" of a tokenizer.json: `own` tokens of the vocabulary, then those that the files name,
  // with ids of the vocabulary where it has them, else those of the files, else the next ones.
  OrderedJson added_tokens(const Vocabulary& vocabulary, std::vector<NamedToken> own) const;
  // The "added_tokens" of a tokenizer.json that has `own` ones, with those that the files name besides; null
  // when it has all of them as the files tell them. As in transformers, tokens that the model has no id for
  // get the next ones: where these are others than the files give, a warning names `where`.
  OrderedJson added_to(const std::optional<JsonView>& own, const Vocabulary& vocabulary,
                       const std::string& where) const;

  // The id that a token has in the vocabulary or in `added`. Throws kInvalid when it is in neither.
  static std::int32_t id_of(const std::string& token, const Vocabulary& vocabulary, const OrderedJson& added,
                            const std::string& where);

  // The post-processor that puts the roles bos and eos around texts as the flags add_bos_token (`begins`
  // where it is not there) and add_eos_token say; null for neither. Throws as id_of().
  OrderedJson around_texts(bool begins, const Vocabulary& vocabulary, const OrderedJson& added,
                           const std::string& where) const;

  // tokenizer_config.json with the roles that were found.
  std::string config() const;

 private:
  void read_config(const TokenizerSource& source);
  const NamedToken* named_role(const std::string& content) const;
  void read_roles(const JsonView& json);
  void read_special_tokens_map(std::string_view json, const std::string& where);
  void read_added_tokens(std::string_view json, const std::string& where);

  std::string kind_, model_type_;
  bool config_has_ids_ = false;  // added_tokens_decoder
  OrderedJson config_ = OrderedJson::object();
  std::map<std::string, NamedToken> roles_;
  std::vector<std::string> other_roles_;  // those of no class, as the files order them
  std::vector<NamedToken> tokens_;
  std::map<std::string, bool> flags_;
  std::map<std::string, std::int64_t> numbers_;
};

}  // namespace swiftlet::text
