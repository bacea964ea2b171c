#include "swiftlet/text/token_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "swiftlet/text/json_view.h"

namespace swiftlet::text {
namespace {

constexpr std::array kRoleNames = {"bos", "eos", "unk", "sep", "cls", "pad", "mask"};
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

TokenSettings::TokenSettings(const TokenizerSource& source) {
  read_config(source);
  if (const auto file = source.files.find("special_tokens_map.json"); file != source.files.end())
    read_special_tokens_map(text_of(file->second), source.beside(file->first));
  if (const auto file = source.files.find("added_tokens.json"); file != source.files.end())
    read_added_tokens(text_of(file->second), source.beside(file->first));
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
  for (const char* role : kRoleNames)
    if (const auto token = root.find(std::string(role) + "_token")) roles_[role] = read_token(*token, true);
  for (const char* flag : kFlags)
    if (const auto value = root.find(flag)) flags_[flag] = value->boolean();
  for (const char* name : kNumbers)
    if (const auto value = root.find(name)) numbers_[name] = value->integer(0, 1 << 20);
  if (const auto decoder = root.find("added_tokens_decoder"))
    for (const auto& [key, value] : decoder->object()) {
      NamedToken token = read_token(decoder->member(key, value), false);
      const char* const end = key.data() + key.size();
      if (std::from_chars(key.data(), end, token.id).ptr != end || key.empty() || token.id < 0)
        decoder->member(key, value).invalid("expected an id as the name, came {}", shown(key));
      tokens_.push_back(std::move(token));
    }
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [](const NamedToken& a, const NamedToken& b) { return a.id < b.id; });
  for (const char* list : {"additional_special_tokens", "extra_special_tokens"})
    if (const auto extra = root.find(list); extra && extra->is_array())
      extra->each([&](const JsonView& item) { tokens_.push_back(read_token(item, true)); });
}

void TokenSettings::read_special_tokens_map(std::string_view json, const std::string& where) {
  const JsonDocument document(json, where);
  for (const char* role : kRoleNames)
    if (const auto token = document.root().find(std::string(role) + "_token");
        token && !roles_.contains(role))
      roles_[role] = read_token(*token, true);
  if (const auto extra = document.root().find("additional_special_tokens"))
    extra->each([&](const JsonView& item) { tokens_.push_back(read_token(item, true)); });
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
  for (const char* name : kRoleNames)
    if (const NamedToken* const token = role(name)) add(*token);
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
  for (const auto& [name, token] : roles_)
    if (!json.contains(name + "_token") || json[name + "_token"].is_null())
      json[name + "_token"] = token.content;
  return dump(json);
}

}  // namespace swiftlet::text
