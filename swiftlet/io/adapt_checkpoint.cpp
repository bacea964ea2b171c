#include "swiftlet/io/adapt_checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::string_view kHead = "lm_head.weight";

// Renames every weight and tensor; an empty name takes it out.
template <class Rename>
void rename_all(Checkpoint& checkpoint, Rename rename) {
  const auto move_all = [&](auto& map, auto set_name) {
    std::remove_reference_t<decltype(map)> renamed;
    for (auto& [name, value] : map)
      if (const std::string own = rename(name); !own.empty()) {
        set_name(value, own);
        renamed.emplace(own, std::move(value));
      }
    map = std::move(renamed);
  };
  move_all(checkpoint.weights, [](Weight& weight, const std::string& name) { weight.name = name; });
  move_all(checkpoint.tensors, [](auto&, const std::string&) {});
  move_all(checkpoint.made_weights, [](std::function<Weight()>& make, const std::string& name) {
    make = [make, name] {
      Weight weight = make();
      weight.name = name;
      return weight;
    };
  });
}

// "language_model.model.layers.0", or "model.language_model.layers.0" as transformers 5 writes it, as
// "model.layers.0"; empty for what is of another part.
std::string name_in_text_model(const std::string& name) {
  constexpr std::string_view kOld = "language_model.", kNew = "model.language_model.";
  if (name.starts_with(kNew)) return "model." + name.substr(kNew.size());
  if (name.starts_with(kOld)) return name.substr(kOld.size());
  return name.starts_with("lm_head.") ? name : std::string();
}

// What the config class of Gemma 3 takes where a text_config does not say it; published ones leave it out.
void add_usual_sizes(nlohmann::json& text) {
  if (text.value("model_type", "") != "gemma3_text") return;
  constexpr std::pair<const char*, int> kUsual[]{{"vocab_size", 262208},
                                                 {"num_attention_heads", 8},
                                                 {"num_key_value_heads", 4},
                                                 {"head_dim", 256},
                                                 {"max_position_embeddings", 131072}};
  for (const auto& [key, value] : kUsual)
    if (!text.contains(key)) text[key] = value;
}

bool same_bytes(const Checkpoint& checkpoint, const std::string& a, const std::string& b) {
  const Weight one = checkpoint.with_bytes(a), other = checkpoint.with_bytes(b);
  return one.codes.size() == other.codes.size() &&
         std::memcmp(one.codes.data(), other.codes.data(), one.codes.size()) == 0;
}

}  // namespace

void take_text_model(Checkpoint& checkpoint) {
  const auto text = checkpoint.config.section("text_config");
  if (!text || !checkpoint.config.has("vision_config") || !text->has("model_type")) return;
  nlohmann::json config = text->json();
  add_usual_sizes(config);
  for (const char* key : {"tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id"})
    if (!config.contains(key) && checkpoint.config.has(key)) config[key] = checkpoint.config.json().at(key);
  config.erase("architectures");  // those of the whole
  checkpoint.config = Config::parse(config.dump(), checkpoint.config.where() + ": text_config");
  std::set<std::string> others;
  rename_all(checkpoint, [&](const std::string& name) {
    std::string own = name_in_text_model(name);
    if (own.empty()) others.insert(name.substr(0, name.find('.', name.starts_with("model.") ? 6 : 0)));
    return own;
  });
  if (others.empty()) return;
  warn("{}: only the language model is used; left out: {}", checkpoint.source, fmt::join(others, ", "));
}

void settle_tied_head(Checkpoint& checkpoint) {
  constexpr std::array<const char*, 3> kTables{"model.embed_tokens.weight", "transformer.wte.weight",
                                               "gpt_neox.embed_in.weight"};
  const std::string head(kHead);
  const Weight* output = checkpoint.find(head);
  if (output == nullptr || !checkpoint.config.bool_or("tie_word_embeddings", true)) return;
  const auto table = std::find_if(kTables.begin(), kTables.end(),
                                  [&](const char* name) { return checkpoint.find(name) != nullptr; });
  if (table == kTables.end()) {
    const bool is_meant = checkpoint.config.has("tie_word_embeddings") &&
                          std::any_of(checkpoint.weights.begin(), checkpoint.weights.end(),
                                      [](const auto& w) { return w.first.starts_with("model.layers."); });
    if (is_meant)
      rename_all(checkpoint,
                 [&](const std::string& name) { return name == head ? std::string(kTables[0]) : name; });
    return;
  }
  const Weight& input = *checkpoint.find(*table);
  if (input.shape != output->shape || input.encoding != output->encoding || input.encoding.is_integer() ||
      same_bytes(checkpoint, *table, head))
    return;
  if (checkpoint.config.has("tie_word_embeddings"))
    warn("{}: {} is not the {} that it should be tied to: it is used as it is", checkpoint.source, head,
         *table);
  nlohmann::json config = checkpoint.config.json();
  config["tie_word_embeddings"] = false;
  checkpoint.config = Config::parse(config.dump(), checkpoint.config.where());
}

}  // namespace swiftlet
