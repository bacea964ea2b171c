#include "swiftlet/text/token_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "swiftlet/core/log.h"

namespace swiftlet::text {
namespace {

// In the order in which transformers adds those that a vocabulary lacks.
constexpr std::array<std::string_view, 7> kRoleNames = {"bos", "eos", "unk", "sep", "pad", "cls", "mask"};
constexpr std::array kFlags = {"add_bos_token", "add_eos_token", "add_prefix_space",      "legacy",
                               "do_lower_case", "keep_accents",  "split_by_punct",        "trim_offsets",
                               "remove_space",  "strip_accents", "tokenize_chinese_chars"};
constexpr std::array kNumbers = {"extra_ids", "offset"};

// "model_type" of config.json -> the tokenizer that transformers uses for it.
struct OfModel {
  std::string_view model, kind;
};
constexpr OfModel kKindsOfModels[] = {
    {"albert", "Albert"},
    {"bart", "Roberta"},
    {"big_bird", "BigBird"},
    {"camembert", "Camembert"},
    {"clip", "CLIP"},
    {"codegen", "GPT2"},
    {"deberta", "Deberta"},
    {"deberta-v2", "DebertaV2"},
    {"gemma", "Gemma"},
    {"gemma2", "Gemma"},
    {"gemma3", "Gemma"},
    {"gemma3_text", "Gemma"},
    {"gpt2", "GPT2"},
    {"gpt_bigcode", "GPT2"},
    {"gpt_neo", "GPT2"},
    {"gpt_neox", "GPTNeoX"},
    {"gptj", "GPT2"},
    {"led", "Roberta"},
    {"llama", "Llama"},
    {"longformer", "Roberta"},
    {"longt5", "T5"},
    {"mistral", "Llama"},
    {"mixtral", "Llama"},
    {"mt5", "T5"},
    {"openai-gpt", "OpenAIGPT"},
    {"opt", "GPT2"},
    {"pegasus", "Pegasus"},
    {"phi3", "Llama"},
    {"qwen2", "Qwen2"},
    {"qwen2_moe", "Qwen2"},
    {"qwen3", "Qwen2"},
    {"qwen3_moe", "Qwen2"},
    {"rembert", "RemBert"},
    {"roberta", "Roberta"},
    {"switch_transformers", "T5"},
    {"t5", "T5"},
    {"umt5", "T5"},
    {"xglm", "XGLM"},
    {"xlm-roberta", "XLMRoberta"},
    {"xlm-roberta-xl", "XLMRoberta"},
    {"xlnet", "XLNet"},
};

std::string kind_of_class(std::string_view name) {
  for (const std::string_view end : {"Fast", "Tokenizer"})
    if (name.ends_with(end)) name.remove_suffix(end.size());
  return std::string(name);
}

// "<s>", or {"content": "<s>", "lstrip": true, ...}.
NamedToken read_token(const JsonView& json, bool special) {
  NamedToken token;
  if (!json.is_object()) {
    token.content = json.string();
    token.special = special;
    return token;
  }
  token.content = json.at("content").string();
  token.special = json.boolean_or("special", special);
  token.lstrip = json.boolean_or("lstrip", false);
  token.rstrip = json.boolean_or("rstrip", false);
  token.single_word = json.boolean_or("single_word", false);
  token.normalized = json.boolean_or("normalized", !token.special);
  return token;
}

std::string_view text_of(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

OrderedJson json_of(const NamedToken& token, std::int32_t id) {
  return {{"id", id},
          {"content", token.content},
          {"single_word", token.single_word},
          {"lstrip", token.lstrip},
          {"rstrip", token.rstrip},
          {"normalized", token.normalized},
          {"special", token.special}};
}

}  // namespace

TokenSettings::TokenSettings(const TokenizerSource& source) : model_type_(source.model_type) {
  read_config(source);
  // Both are of old: where added_tokens_decoder is there, it tells everything.
  const auto read_old = [&](const char* name, auto read) {
    const auto file = source.files.find(name);
    if (file != source.files.end() && !config_has_ids_)
      (this->*read)(text_of(file->second), source.beside(name));
  };
  read_old("special_tokens_map.json", &TokenSettings::read_special_tokens_map);
  read_old("added_tokens.json", &TokenSettings::read_added_tokens);
  // By their ids; those that wait for one come last, as they are listed.
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const NamedToken& a, const NamedToken& b) {
    return a.id != Vocabulary::kNone && (b.id == Vocabulary::kNone || a.id < b.id);
  });
  if (kind_.empty() || kind_ == "PreTrained" || kind_ == "TokenizersBackend")
    for (const auto& [model, kind] : kKindsOfModels)
      if (source.model_type == model) kind_ = kind;
}

void TokenSettings::read_config(const TokenizerSource& source) {
  if (source.config.empty()) return;
  const std::string text = source.config.dump();
  config_ = OrderedJson::parse(text);
  const JsonDocument document(text, source.config.where());
  const JsonView root = document.root();
  kind_ = kind_of_class(root.string_or("tokenizer_class", ""));
  for (const char* flag : kFlags)
    if (const auto value = root.find(flag)) flags_[flag] = value->boolean();
  for (const char* name : kNumbers)
    if (const auto value = root.find(name)) numbers_[name] = value->integer(0, 1 << 20);
  const auto decoder = root.find("added_tokens_decoder");
  config_has_ids_ = decoder.has_value();
  if (decoder)
    for (const auto& [key, value] : decoder->object()) {
      NamedToken token = read_token(decoder->member(key, value), false);
      const char* const end = key.data() + key.size();
      if (std::from_chars(key.data(), end, token.id).ptr != end || key.empty() || token.id < 0)
        decoder->member(key, value).invalid("expected an id as the name, came {}", shown(key));
      tokens_.push_back(std::move(token));
    }
  read_roles(root);
}

// "bos_token": "<s>", "image_token": {"content": ...}, and the named tokens of "extra_special_tokens".
void TokenSettings::read_roles(const JsonView& json) {
  const auto read = [&](std::string_view key, const JsonView& token, bool any_name) {
    constexpr std::string_view kEnd = "_token";
    if (!key.ends_with(kEnd) && !any_name) return;
    const std::string role(key.ends_with(kEnd) ? key.substr(0, key.size() - kEnd.size()) : key);
    const bool usual = std::find(kRoleNames.begin(), kRoleNames.end(), role) != kRoleNames.end();
    // Other things may end like this: "add_bos_token": true.
    if (!usual && !token.is_string() && !(token.is_object() && token.find("content"))) return;
    if (!usual && !roles_.contains(role)) other_roles_.push_back(role);
    roles_[role] = read_token(token, true);
  };
  for (const auto& [key, value] : json.object())
    if (!value.is_null()) read(key, json.member(key, value), false);
  if (const auto extra = json.find("extra_special_tokens"); extra && extra->is_object())
    for (const auto& [key, value] : extra->object()) read(key, extra->member(key, value), true);
  for (const char* list : {"additional_special_tokens", "extra_special_tokens"})
    if (const auto extra = json.find(list); extra && extra->is_array())
      extra->each([&](const JsonView& item) { tokens_.push_back(read_token(item, true)); });
}

void TokenSettings::read_special_tokens_map(std::string_view json, const std::string& where) {
  const JsonDocument document(json, where);
  read_roles(document.root());
}

// {"token": id, ...}
void TokenSettings::read_added_tokens(std::string_view json, const std::string& where) {
  const JsonDocument document(json, where);
  std::vector<NamedToken> added;
  for (const auto& [key, value] : document.root().object()) {
    NamedToken token;
    token.content = key;
    token.id = static_cast<std::int32_t>(document.root().member(key, value).integer(0, INT32_MAX));
    token.special = std::any_of(roles_.begin(), roles_.end(),
                                [&](const auto& role) { return role.second.content == token.content; });
    token.normalized = !token.special;
    added.push_back(std::move(token));
  }
  std::sort(added.begin(), added.end(), [](const NamedToken& a, const NamedToken& b) { return a.id < b.id; });
  // What tokenizer_config.json or the map says about a token is said better: only the id is missing there.
  for (NamedToken& token : added) {
    const auto known = std::find_if(tokens_.begin(), tokens_.end(),
                                    [&](const NamedToken& other) { return other.content == token.content; });
    if (known == tokens_.end()) {
      tokens_.push_back(std::move(token));
    } else if (known->id == Vocabulary::kNone) {
      known->id = token.id;
    }
  }
}

const NamedToken* TokenSettings::role(const std::string& name) const {
  const auto found = roles_.find(name);
  return found == roles_.end() ? nullptr : &found->second;
}

void TokenSettings::set_default_role(const std::string& name, NamedToken token) {
  roles_.emplace(name, std::move(token));
}

std::string TokenSettings::role_or(const std::string& name, const std::string& fallback) const {
  const NamedToken* const token = role(name);
  return token ? token->content : fallback;
}

std::string TokenSettings::with_tokens(std::string form) const {
  for (std::size_t open; (open = form.find('(')) != std::string::npos;) {
    const std::size_t close = form.find(')', open);
    form.replace(open, close + 1 - open, role_or(form.substr(open + 1, close - open - 1), ""));
  }
  return form;
}

std::optional<bool> TokenSettings::flag(const std::string& name) const {
  const auto found = flags_.find(name);
  return found == flags_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::int64_t> TokenSettings::number(const std::string& name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

bool TokenSettings::has_ids() const {
  return std::any_of(tokens_.begin(), tokens_.end(),
                     [](const NamedToken& token) { return token.id != Vocabulary::kNone; });
}

OrderedJson TokenSettings::added_tokens(const Vocabulary& vocabulary, std::vector<NamedToken> own) const {
  // The first word about a token counts; explicit ids come before those that are counted on.
  std::vector<NamedToken> all;
  std::set<std::string, std::less<>> seen;
  const auto add = [&](const NamedToken& token) {
    if (!token.content.empty() && seen.insert(token.content).second) all.push_back(token);
  };
  for (const NamedToken& token : tokens_)
    if (token.id != Vocabulary::kNone) add(token);
  for (const NamedToken& token : own) add(token);
  for (const std::string_view name : kRoleNames)
    if (const NamedToken* const token = role(std::string(name))) add(*token);
  for (const std::string& name : other_roles_) add(*role(name));
  for (const NamedToken& token : tokens_) add(token);
  std::int32_t next = vocabulary.end_id();
  for (NamedToken& token : all) {
    const std::int32_t known = vocabulary.find(token.content);
    if (known != Vocabulary::kNone) token.id = known;
    next = std::max(next, token.id + 1);
  }
  for (NamedToken& token : all)
    if (token.id == Vocabulary::kNone) token.id = next++;
  std::stable_sort(all.begin(), all.end(),
                   [](const NamedToken& a, const NamedToken& b) { return a.id < b.id; });
  OrderedJson json = OrderedJson::array();
  for (const NamedToken& token : all) json.push_back(json_of(token, token.id));
  return json;
}

const NamedToken* TokenSettings::named_role(const std::string& content) const {
  for (const auto& [name, token] : roles_)
    if (token.content == content) return &token;
  return nullptr;
}

OrderedJson TokenSettings::added_to(const std::optional<JsonView>& own, const Vocabulary& vocabulary,
                                    const std::string& where) const {
  std::vector<NamedToken> all;
  std::int32_t next = vocabulary.end_id();
  if (own)
    own->each([&](const JsonView& json) {
      all.push_back(read_token(json, false));
      all.back().id = static_cast<std::int32_t>(json.at("id").integer(0, INT32_MAX));
      next = std::max(next, all.back().id + 1);
    });
  bool changed = false;
  const auto put = [&](NamedToken token, bool marks_count) {
    if (token.content.empty()) return;
    const auto known = std::find_if(all.begin(), all.end(),
                                    [&](const NamedToken& other) { return other.content == token.content; });
    const std::int32_t given = token.id;
    if (known != all.end()) token.id = known->id;
    if (known != all.end() && (!marks_count || *known == token)) return;
    if (named_role(token.content)) token.special = true;
    if (known == all.end()) {
      token.id = vocabulary.find(token.content);
      if (token.id == Vocabulary::kNone) token.id = next++;
    }
    if (given != Vocabulary::kNone && given != token.id)
      warn("[{}] the files beside it give the token {} the id {}; it gets {}, as in transformers", where,
           shown(token.content), given, token.id);
    changed = true;
    if (known != all.end()) {
      *known = std::move(token);
    } else {
      all.push_back(std::move(token));
    }
  };
  for (const NamedToken& token : tokens_)
    if (token.id != Vocabulary::kNone) put(token, config_has_ids_);
  for (const std::string_view name : kRoleNames)
    if (const NamedToken* const token = role(std::string(name))) put(*token, false);
  for (const std::string& name : other_roles_) put(*role(name), false);
  for (const NamedToken& token : tokens_) put(token, false);
  if (!changed) return nullptr;
  OrderedJson json = OrderedJson::array();
  for (const NamedToken& token : all) json.push_back(json_of(token, token.id));
  return json;
}

std::int32_t TokenSettings::id_of(const std::string& token, const Vocabulary& vocabulary,
                                  const OrderedJson& added, const std::string& where) {
  for (const OrderedJson& entry : added)
    if (entry["content"] == token) return entry["id"].get<std::int32_t>();
  const std::int32_t id = vocabulary.find(token);
  require(id != Vocabulary::kNone, where, "expected the special token {} among {} tokens, it is not there",
          shown(token), vocabulary.count());
  return id;
}

OrderedJson TokenSettings::around_texts(bool begins, const Vocabulary& vocabulary, const OrderedJson& added,
                                        const std::string& where) const {
  const std::string bos = flag_or("add_bos_token", begins) ? role_or("bos", "") : "";
  const std::string eos = flag_or("add_eos_token", false) ? role_or("eos", "") : "";
  if (bos.empty() && eos.empty()) return nullptr;
  const auto put = [](std::string_view before, const std::string& token, std::string_view after) {
    return token.empty() ? std::string() : fmt::format("{}{}{}", before, token, after);
  };
  const std::string single = put("", bos, " ") + "A" + put(" ", eos, "");
  const std::string pair = fmt::format("{}{} B:1{}", single, put(" ", bos, ":1"), put(" ", eos, ":1"));
  return template_processing(
      single, pair, [&](const std::string& token) { return id_of(token, vocabulary, added, where); });
}

std::string TokenSettings::config() const {
  OrderedJson json = config_;
  for (const auto& [name, token] : roles_) {
    const std::string key = name + "_token";
    const auto extra = json.find("extra_special_tokens");
    if (extra != json.end() && extra->is_object() && (extra->contains(key) || extra->contains(name)))
      continue;
    const auto told = json.find(key);
    const bool same = told != json.end() &&
                      (told->is_object() ? told->value("content", OrderedJson()) : *told) == token.content;
    if (!same) json[key] = token.content;
  }
  return json.empty() ? "" : dump(json);
}

}  // namespace swiftlet::text
