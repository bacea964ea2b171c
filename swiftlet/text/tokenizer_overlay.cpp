#include "swiftlet/text/tokenizer_overlay.h"

#include <algorithm>
#include <array>

#include "swiftlet/core/log.h"

namespace swiftlet::text {
namespace {

// Classes and, for checkpoints that name none, the model types for which transformers chooses them.
constexpr std::array<std::string_view, 24> kBertKinds = {
    "Bert",        "DistilBert", "Electra",   "MobileBert",
    "SqueezeBert", "MPNet",      "Funnel",    "Lxmert",
    "ConvBert",    "LayoutLM",   "Splinter",  "DPRContextEncoder",
    "DPRReader",   "RetriBert",  "RealmBert", "DPRQuestionEncoder",
    "bert",        "distilbert", "electra",   "mobilebert",
    "squeezebert", "mpnet",      "funnel",    "lxmert"};

// Byte-level classes, and what they do where the config does not say.
struct ByteLevelKind {
  std::string_view name;
  bool prefix_space = false;
};
constexpr ByteLevelKind kByteLevelKinds[] = {
    {"GPT2"}, {"Roberta"}, {"Bart"}, {"Longformer"},       {"LED"},     {"CodeGen"},  {"GPTNeoX"},
    {"MVP"},  {"Deberta"}, {"Luke"}, {"Blenderbot", true}, {"Whisper"}, {"MarkupLM"}, {"LayoutLMv3", true}};

constexpr std::string_view kPieceKinds[] = {"Llama", "CodeLlama"};

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// One overlay: reads members of the file as they are asked for, and collects what changes.
class Overlay {
 public:
  Overlay(const JsonView& root, const TokenSettings& settings, const std::string& where)
      : root_(root), settings_(settings), where_(where) {}

  void add_tokens(const Vocabulary& vocabulary) {
    const auto own = root_.find("added_tokens");
    OrderedJson list = settings_.added_to(own, vocabulary, where_);
    if (!list.is_null()) changes_["added_tokens"] = std::move(list);
  }

  void bert_words() {
    const std::string& kind = settings_.kind().empty() ? settings_.model_type() : settings_.kind();
    if (!contains(kBertKinds, kind) || type_of("normalizer") != "BertNormalizer") return;
    OrderedJson normalizer = member("normalizer");
    for (const auto& [flag, field] : {std::pair{"do_lower_case", "lowercase"},
                                      {"strip_accents", "strip_accents"},
                                      {"tokenize_chinese_chars", "handle_chinese_chars"}})
      if (const auto told = settings_.flag(flag)) normalizer[field] = *told;
    change("normalizer", std::move(normalizer));
  }

  void byte_level_prefix() {
    const auto* const kind = std::find_if(std::begin(kByteLevelKinds), std::end(kByteLevelKinds),
                                          [&](const auto& row) { return row.name == settings_.kind(); });
    if (kind == std::end(kByteLevelKinds)) return;
    const std::optional<bool> told = settings_.flag("add_prefix_space");
    const bool prefix = told.value_or(kind->prefix_space);
    if (type_of("pre_tokenizer") != "ByteLevel") {
      if (told && *told)
        not_applied("add_prefix_space", "true", "texts begin without the space that it asks for");
      return;
    }
    const auto set = [&](const char* name) {
      OrderedJson part = member(name);
      part["add_prefix_space"] = prefix;
      change(name, std::move(part));
    };
    set("pre_tokenizer");
    if (type_of("post_processor") == "RobertaProcessing") set("post_processor");
  }

  void piece_prefix() {
    const std::optional<bool> told = settings_.flag("add_prefix_space");
    if (!told || !contains(kPieceKinds, settings_.kind())) return;
    const bool metaspace = type_of("pre_tokenizer") == "Metaspace";
    if (metaspace) {
      change("pre_tokenizer", with_scheme(member("pre_tokenizer"), *told));
      if (type_of("decoder") == "Metaspace") change("decoder", with_scheme(member("decoder"), *told));
    } else if (!*told && has_prepend()) {
      change("normalizer", without(member("normalizer"), "normalizers", [](const OrderedJson& stage) {
               return stage.value("type", "") == "Prepend";
             }));
    } else {
      if (*told != has_prepend())
        not_applied("add_prefix_space", *told ? "true" : "false", "the first word may get other tokens");
      return;
    }
    if (type_of("decoder") == "Sequence") strip_decoded(*told);
  }

  OrderedJson take() && { return std::move(changes_); }

 private:
  OrderedJson member(std::string_view name) const {
    simdjson::dom::element value;
    if (root_.object().at_key(name).get(value)) return nullptr;
    return OrderedJson::parse(simdjson::minify(value));
  }
  std::string_view type_of(std::string_view name) const {
    const auto part = root_.find(name);
    return part && part->is_object() ? part->string_or("type", "") : "";
  }

  void change(const std::string& name, OrderedJson value) {
    if (value != member(name)) changes_[name] = std::move(value);
  }

  void not_applied(std::string_view name, std::string_view value, std::string_view effect) const {
    warn("[{}] is read as it is, though {} of tokenizer_config.json is {}: {}", where_, name, value, effect);
  }

  // A scheme that agrees with `prefix` stays: "first" and "always" both put a space in front.
  OrderedJson with_scheme(OrderedJson part, bool prefix) const {
    const bool had = part.contains("prepend_scheme") ? part["prepend_scheme"] != "never"
                                                     : part.value("add_prefix_space", true);
    if (had == prefix) return part;
    part.erase("add_prefix_space");
    const char* const first = !settings_.flag_or("legacy", false) ? "first" : "always";
    part["prepend_scheme"] = prefix ? first : "never";
    return part;
  }

  bool has_prepend() const {
    const auto is = [](const JsonView& part) { return part.string_or("type", "") == "Prepend"; };
    const auto normalizer = root_.find("normalizer");
    if (!normalizer) return false;
    bool found = is(*normalizer);
    if (type_of("normalizer") == "Sequence")
      normalizer->at("normalizers").each([&](const JsonView& part) { found = found || is(part); });
    return found;
  }

  template <class Drop>
  static OrderedJson without(OrderedJson part, const char* list, Drop&& drop) {
    if (drop(part)) return nullptr;
    OrderedJson kept = OrderedJson::array();
    for (const OrderedJson& stage : part.at(list))
      if (!drop(stage)) kept.push_back(stage);
    part[list] = std::move(kept);
    return part;
  }

  // What was put in front of the text is taken away again, or not.
  void strip_decoded(bool prefix) {
    const auto strips = [](const OrderedJson& stage) {
      return stage.value("type", "") == "Strip" && stage.value("start", 0) > 0;
    };
    OrderedJson decoder = without(member("decoder"), "decoders", strips);
    if (prefix)
      decoder["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    change("decoder", std::move(decoder));
  }

  const JsonView& root_;
  const TokenSettings& settings_;
  const std::string& where_;
  OrderedJson changes_ = OrderedJson::object();
};

}  // namespace

OrderedJson changes_beside(const JsonView& root, const Vocabulary& vocabulary, const TokenSettings& settings,
                           const std::string& where) {
  Overlay overlay(root, settings, where);
  overlay.add_tokens(vocabulary);
  overlay.bert_words();
  overlay.byte_level_prefix();
  overlay.piece_prefix();
  return std::move(overlay).take();
}

std::string with_members(const JsonView& root, const OrderedJson& changes) {
  std::string text = "{";
  const auto put = [&](std::string_view key, std::string_view value) {
    append_json_member(text, key, value);
  };
  for (const auto& [key, value] : root.object()) {
    const auto changed = changes.find(std::string(key));
    put(key, changed == changes.end() ? simdjson::minify(value) : dump(*changed));
  }
  simdjson::dom::element ignored;
  for (const auto& [key, value] : changes.items())
    if (root.object().at_key(key).get(ignored)) put(key, dump(value));
  return text + "}";
}

}  // namespace swiftlet::text
