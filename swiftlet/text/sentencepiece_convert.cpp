// SentencePiece models as a tokenizer.json, each class of transformers in its own way.
#include <algorithm>
#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/text/base64.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/sentencepiece.h"

namespace swiftlet::text {
namespace {

using Algorithm = SentencePieceModel::Algorithm;
using Names = std::vector<std::string>;

// How the text becomes pieces.
enum class Form {
  kOwn,     // as the model file says: spaces joined and stripped, a space in front
  kLlama,   // spaces are kept; in front, a space or not ("legacy")
  kGemma,   // spaces are kept, none in front
  kWords,   // the charsmap, then words at white space (T5, XLM-R)
  kAlbert,  // English quotes, accents and capitals away, then kWords
  kDeberta  // perhaps lower case, stripped on both sides, the charsmap
};

// What a class does to ids, and what it puts around texts. Names of tokens are those of their roles in
// parentheses; "": nothing.
struct Class {
  const char* name;
  Form form;
  int dropped = 0;  // so many pieces make way for `front`
  Names front = {}, back = {};
  int unknown = -1;  // id, where it is not the file's
  const char *single = "", *pair = "";
  Names roles = {};  // name, token, name, token, ...
};

const Names kFairseq = {"<s>", "<pad>", "</s>", "<unk>"};
const Names kFairseqRoles = {"bos", "<s>", "eos",   "</s>", "sep",   "</s>", "cls",
                             "<s>", "unk", "<unk>", "pad",  "<pad>", "mask", "<mask>"};
const Names kBertRoles = {"bos",   "[CLS]", "eos",   "[SEP]", "sep",   "[SEP]", "cls",
                          "[CLS]", "unk",   "<unk>", "pad",   "<pad>", "mask",  "[MASK]"};
constexpr const char *kBertSingle = "(cls) A (sep)", *kBertPair = "(cls) A (sep) B:1 (sep):1";
constexpr const char *kRobertaSingle = "(bos) A (eos)", *kRobertaPair = "(bos) A (eos) (eos) B (eos)";

const std::vector<Class>& classes() {
  static const std::vector<Class> all = {
      {.name = "Llama", .form = Form::kLlama, .roles = {"bos", "<s>", "eos", "</s>", "unk", "<unk>"}},
      {.name = "CodeLlama", .form = Form::kLlama, .roles = {"bos", "<s>", "eos", "</s>", "unk", "<unk>"}},
      {.name = "Phi3", .form = Form::kLlama, .roles = {"bos", "<s>", "eos", "</s>", "unk", "<unk>"}},
      {.name = "Gemma",
       .form = Form::kGemma,
       .roles = {"bos", "<bos>", "eos", "<eos>", "unk", "<unk>", "pad", "<pad>"}},
      {.name = "T5",
       .form = Form::kWords,
       .single = "A (eos)",
       .pair = "A (eos) B (eos)",
       .roles = {"eos", "</s>", "unk", "<unk>", "pad", "<pad>"}},
      {.name = "XLMRoberta",
       .form = Form::kWords,
       .dropped = 3,
       .front = kFairseq,
       .back = {"<mask>"},
       .unknown = 3,
       .single = kRobertaSingle,
       .pair = kRobertaPair,
       .roles = kFairseqRoles},
      {.name = "Camembert",
       .form = Form::kWords,
       .dropped = 1,
       .front = {"<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"},
       .back = {"<mask>"},
       .unknown = 3,
       .single = kRobertaSingle,
       .pair = kRobertaPair,
       .roles = kFairseqRoles},
      {.name = "XGLM",
       .form = Form::kOwn,
       .dropped = 3,
       .front = kFairseq,
       .back = {"<madeupword0>", "<madeupword1>", "<madeupword2>", "<madeupword3>", "<madeupword4>",
                "<madeupword5>", "<madeupword6>"},
       .unknown = 3,
       .single = "(eos) A",
       .pair = "(eos) A (eos) (eos) B",
       .roles = {"bos", "<s>", "eos", "</s>", "sep", "</s>", "cls", "<s>", "unk", "<unk>", "pad", "<pad>"}},
      {.name = "Albert",
       .form = Form::kAlbert,
       .single = kBertSingle,
       .pair = kBertPair,
       .roles = kBertRoles},
      {.name = "RemBert",
       .form = Form::kAlbert,
       .single = kBertSingle,
       .pair = kBertPair,
       .roles = kBertRoles},
      {.name = "XLNet",
       .form = Form::kAlbert,
       .single = "A (sep) (cls):2",
       .pair = "A (sep) B:1 (sep):1 (cls):2",
       .roles = {"bos", "<s>", "eos", "</s>", "sep", "<sep>", "cls", "<cls>", "unk", "<unk>", "pad", "<pad>",
                 "mask", "<mask>"}},
      {.name = "DebertaV2",
       .form = Form::kDeberta,
       .single = kBertSingle,
       .pair = kBertPair,
       .roles = {"bos", "[CLS]", "eos", "[SEP]", "sep", "[SEP]", "cls", "[CLS]", "unk", "[UNK]", "pad",
                 "[PAD]", "mask", "[MASK]"}},
      {.name = "BigBird",
       .form = Form::kOwn,
       .single = kBertSingle,
       .pair = kBertPair,
       .roles = {"bos", "<s>", "eos", "</s>", "sep", "[SEP]", "cls", "[CLS]", "unk", "<unk>", "pad", "<pad>",
                 "mask", "[MASK]"}},
      {.name = "Barthez",
       .form = Form::kOwn,
       .single = kRobertaSingle,
       .pair = kRobertaPair,
       .roles = kFairseqRoles},
      {.name = "Reformer", .form = Form::kOwn, .roles = {"eos", "</s>", "unk", "<unk>"}},
      // Without a class: what the file itself says.
      {.name = "", .form = Form::kOwn},
  };
  return all;
}

const Class& find_class(const std::string& name, const std::string& where) {
  std::string known;
  for (const Class& one : classes()) {
    if (one.name == name) return one;
    if (*one.name) known += fmt::format("{}{}", known.empty() ? "" : ", ", one.name);
  }
  if (name == "PreTrained" || name == "TokenizersBackend") return classes().back();
  fail(ErrorCode::kUnsupported, where,
       "expected a tokenizer of a class that is known ({}), came {}Tokenizer: save it as tokenizer.json with "
       "transformers",
       known, name);
}

// A model that keeps all spaces and falls back to bytes is Llama's where nothing else tells.
std::string kind_of(const SentencePieceModel& model, const TokenSettings& settings) {
  const std::string& kind = settings.kind();
  const bool llama = model.algorithm == Algorithm::kBpe && model.byte_fallback &&
                     !model.remove_extra_whitespaces && model.add_dummy_prefix;
  return llama && (kind.empty() || kind == "PreTrained" || kind == "TokenizersBackend") ? "Llama" : kind;
}

class Converter {
 public:
  Converter(const SentencePieceModel& model, TokenSettings settings, const std::string& where)
      : model_(model),
        settings_(std::move(settings)),
        where_(where),
        class_(find_class(kind_of(model, settings_), where)) {}

  TokenizerText run() {
    list_pieces();
    set_roles();
    added_ = settings_.added_tokens(vocabulary_, own_tokens());
    TokenizerParts parts;
    parts.added_tokens = added_;
    parts.normalizer = normalizer();
    parts.pre_tokenizer = pre_tokenizer();
    parts.post_processor = post_processor();
    parts.decoder = decoder();
    return write_model().finish(parts, settings_.config());
  }

 private:
  // Pieces by their final ids.
  void list_pieces() {
    if (!model_.ids_are_final)
      for (const std::string& token : class_.front)
        scored_.emplace_back(token, token == "<unk>NOTUSED" ? -100 : 0);
    for (std::size_t i = model_.ids_are_final ? 0 : static_cast<std::size_t>(class_.dropped);
         i < model_.pieces.size(); ++i)
      scored_.emplace_back(model_.pieces[i].text, score_of(model_.pieces[i]));
    if (!model_.ids_are_final)
      for (const std::string& token : class_.back) scored_.emplace_back(token, 0);
    if (class_.name == std::string_view("T5") && !model_.ids_are_final) {
      const std::int64_t extra = settings_.number("extra_ids").value_or(100);
      for (std::int64_t i = extra - 1; i >= 0; --i) {
        scored_.emplace_back(fmt::format("<extra_id_{}>", i), 0);
        extra_tokens_.push_back(scored_.back().first);
      }
    }
    std::size_t bytes = 0;
    for (const auto& [token, score] : scored_) bytes += token.size();
    vocabulary_.reserve(scored_.size(), bytes);
    for (std::size_t i = 0; i < scored_.size(); ++i) {
      const auto id = static_cast<std::int32_t>(i);
      // The package takes the last of equal ones where it reads a list (a class may put pieces in front
      // again).
      if (model_.algorithm == Algorithm::kUnigram) {
        vocabulary_.add_or_replace(scored_[i].first, id);
      } else {
        require(vocabulary_.add(scored_[i].first, id), where_,
                "expected every piece once, piece {} is {} again", i, shown(scored_[i].first));
      }
    }
  }

  // Numbers with a comma behind are spared (ALBERT, XLNet).
  double score_of(const SentencePiece& piece) const {
    const std::string& text = piece.text;
    const bool number_comma =
        text.size() > 1 && text.back() == ',' && text[text.size() - 2] >= '0' && text[text.size() - 2] <= '9';
    const bool spares = class_.name == std::string_view("Albert") || class_.name == std::string_view("XLNet");
    return piece.score - (spares && number_comma ? 100 : 0);
  }

  void set_roles() {
    for (std::size_t i = 0; i + 1 < class_.roles.size(); i += 2) {
      const std::string &role = class_.roles[i], &token = class_.roles[i + 1];
      NamedToken named{.content = token, .lstrip = role == "mask" && class_.form != Form::kDeberta};
      const bool needed = std::string_view(class_.single).find("(" + role + ")") != std::string_view::npos;
      if (needed || vocabulary_.find(token) != Vocabulary::kNone || role == "mask")
        settings_.set_default_role(role, named);
    }
    if (*class_.name) return;
    const auto of_file = [&](const char* role, std::int32_t id) {
      if (id >= 0) settings_.set_default_role(role, model_.pieces[static_cast<std::size_t>(id)].text);
    };
    of_file("bos", model_.bos_id);
    of_file("eos", model_.eos_id);
    of_file("unk", model_.unknown_id);
    of_file("pad", model_.pad_id);
  }

  std::vector<NamedToken> own_tokens() const {
    std::vector<NamedToken> tokens;
    for (const SentencePiece& piece : model_.pieces)
      if (piece.type == PieceType::kControl || piece.type == PieceType::kUserDefined)
        tokens.push_back({.content = piece.text,
                          .special = piece.type == PieceType::kControl || piece.text == "<start_of_turn>" ||
                                     piece.text == "<end_of_turn>"});
    for (const std::string& token : extra_tokens_) tokens.push_back({.content = token});
    return tokens;
  }

  std::int32_t unknown_id() const {
    return class_.unknown >= 0 && !model_.ids_are_final ? class_.unknown : model_.unknown_id;
  }
  // The other classes never fall back, whatever the file says.
  bool byte_fallback() const {
    return model_.byte_fallback &&
           (class_.form == Form::kLlama || class_.form == Form::kGemma || !*class_.name);
  }

  ModelWriter write_model() const {
    if (model_.algorithm == Algorithm::kUnigram) {
      ModelWriter writer({{"type", "Unigram"}, {"unk_id", unknown_id()}, {"byte_fallback", byte_fallback()}});
      writer.scored(scored_);
      return writer;
    }
    const std::string unknown(vocabulary_.token(std::max(unknown_id(), 0)));
    if (model_.algorithm == Algorithm::kWord) {
      ModelWriter writer({{"type", "WordLevel"}, {"unk_token", unknown}});
      writer.vocabulary(vocabulary_);
      return writer;
    }
    ModelWriter writer({{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", unknown},
                        {"continuing_subword_prefix", nullptr},
                        {"end_of_word_suffix", nullptr},
                        {"fuse_unk", true},
                        {"byte_fallback", byte_fallback()},
                        {"ignore_merges", false}});
    writer.vocabulary(vocabulary_);
    std::vector<std::int32_t> order;
    if (model_.algorithm == Algorithm::kBpe)
      for (std::int32_t id = 0; id < vocabulary_.end_id(); ++id) order.push_back(id);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return scored_[static_cast<std::size_t>(a)].second > scored_[static_cast<std::size_t>(b)].second;
    });
    writer.merges(derive_merges(vocabulary_, order));
    return writer;
  }

  bool legacy() const { return settings_.flag_or("legacy", true); }
  bool prefix_space() const { return settings_.flag_or("add_prefix_space", model_.add_dummy_prefix); }
  std::string scheme() const { return prefix_space() ? "always" : "never"; }

  OrderedJson normalizer() const {
    OrderedJson steps = OrderedJson::array();
    const auto charsmap = [&] {
      if (!model_.charsmap.empty())
        steps.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(model_.charsmap)}});
    };
    switch (class_.form) {
      case Form::kOwn:
        charsmap();
        if (keeps_spaces()) {
          if (prefix_space()) steps.push_back({{"type", "Prepend"}, {"prepend", "▁"}});
          steps.push_back(replace_json(" ", "▁"));
        } else if (model_.remove_extra_whitespaces) {
          steps.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
          steps.push_back(replace_json(" {2,}", "▁", true));
        }
        break;
      case Form::kLlama:
        if (!legacy()) return nullptr;
        if (prefix_space()) steps.push_back({{"type", "Prepend"}, {"prepend", "▁"}});
        steps.push_back(replace_json(" ", "▁"));
        break;
      case Form::kGemma:
        return replace_json(" ", "▁");
      case Form::kWords:
        charsmap();
        break;
      case Form::kAlbert:
        add_albert(steps);
        charsmap();
        break;
      case Form::kDeberta:
        if (settings_.flag_or("do_lower_case", false)) steps.push_back({{"type", "Lowercase"}});
        steps.push_back({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}});
        charsmap();
        steps.push_back(replace_json(" {2,}", " ", true));
        break;
    }
    if (steps.empty()) return nullptr;
    return steps.size() == 1 ? steps[0] : sequence_json("normalizers", steps);
  }

  void add_albert(OrderedJson& steps) const {
    const bool rembert = class_.name == std::string_view("RemBert");
    steps.push_back(replace_json("``", "\""));
    steps.push_back(replace_json("''", "\""));
    if (rembert) steps.push_back(replace_json(" {2,}", " ", true));
    if (!settings_.flag_or("keep_accents", rembert)) {
      steps.push_back({{"type", "NFKD"}});
      steps.push_back({{"type", "StripAccents"}});
    }
    if (settings_.flag_or("do_lower_case", class_.name == std::string_view("Albert")))
      steps.push_back({{"type", "Lowercase"}});
  }

  // The file's own way for models that join pieces over spaces: no cutting at words.
  bool keeps_spaces() const {
    return model_.algorithm == Algorithm::kBpe && !model_.remove_extra_whitespaces;
  }

  OrderedJson pre_tokenizer() const {
    switch (class_.form) {
      case Form::kOwn:
        return keeps_spaces() ? OrderedJson() : metaspace_json(scheme());
      case Form::kLlama:
        return legacy() ? OrderedJson() : metaspace_json(prefix_space() ? "first" : "never", false);
      case Form::kGemma:
        return {{"type", "Split"},
                {"pattern", {{"String", " "}}},
                {"behavior", "MergedWithPrevious"},
                {"invert", false}};
      case Form::kWords:
      case Form::kAlbert:
        return sequence_json("pretokenizers", {{{"type", "WhitespaceSplit"}}, metaspace_json(scheme())});
      case Form::kDeberta: {
        OrderedJson steps = OrderedJson::array();
        if (settings_.flag_or("split_by_punct", false))
          steps.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
        steps.push_back(metaspace_json(scheme()));
        return sequence_json("pretokenizers", steps);
      }
    }
    return nullptr;
  }

  OrderedJson decoder() const {
    OrderedJson steps = OrderedJson::array();
    const bool spaces = class_.form == Form::kLlama || class_.form == Form::kGemma ||
                        (class_.form == Form::kOwn && keeps_spaces());
    if (!spaces) {
      if (!byte_fallback()) return metaspace_json(scheme());
      return sequence_json("decoders", {{{"type", "ByteFallback"}}, metaspace_json(scheme())});
    }
    steps.push_back(replace_json("▁", " "));
    steps.push_back({{"type", "ByteFallback"}});
    steps.push_back({{"type", "Fuse"}});
    if (class_.form != Form::kGemma && prefix_space())
      steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    return sequence_json("decoders", steps);
  }

  OrderedJson post_processor() const {
    const std::string single = class_.single, pair = class_.pair;
    if (single.empty()) {
      const bool begins = class_.form == Form::kLlama || class_.form == Form::kGemma;
      return settings_.around_texts(begins, vocabulary_, added_, where_);
    }
    return template_processing(
        settings_.with_tokens(single), settings_.with_tokens(pair),
        [&](const std::string& token) { return TokenSettings::id_of(token, vocabulary_, added_, where_); });
  }

  const SentencePieceModel& model_;
  TokenSettings settings_;
  const std::string& where_;
  const Class& class_;
  std::vector<std::pair<std::string, double>> scored_;
  std::vector<std::string> extra_tokens_;
  Vocabulary vocabulary_;
  OrderedJson added_;
};

}  // namespace

TokenizerText convert_sentencepiece(const SentencePieceModel& model, const TokenSettings& settings,
                                    const std::string& where) {
  return Converter(model, settings, where).run();
}

}  // namespace swiftlet::text
