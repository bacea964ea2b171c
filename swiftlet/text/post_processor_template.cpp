// Special tokens around the text: TemplateProcessing, and BertProcessing and RobertaProcessing, which are two
// fixed templates.
#include <algorithm>

#include "swiftlet/text/post_processor.h"

namespace swiftlet::text {
namespace {

struct Piece {
  int part = -1;                  // 0 or 1: that text; -1: special tokens
  std::vector<std::int32_t> ids;  // of the special tokens
  std::int32_t type_id = 0;
};
using Template = std::vector<Piece>;

class TemplateProcessing : public PostProcessor {
 public:
  TemplateProcessing(Template single, Template pair) : single_(std::move(single)), pair_(std::move(pair)) {}

  void process(std::vector<TokenizedText>& parts, const TokenTable&, bool add_special) const override {
    const Template& form = parts.size() == 2 ? pair_ : single_;
    TokenizedText out;
    for (const Piece& piece : form) {
      if (piece.part < 0) {
        for (std::int32_t id : piece.ids)
          if (add_special) out.push(id, {}, piece.type_id, -1);
      } else if (static_cast<std::size_t>(piece.part) < parts.size()) {
        TokenizedText& part = parts[static_cast<std::size_t>(piece.part)];
        std::fill(part.type_ids.begin(), part.type_ids.end(), piece.type_id);
        out.append(part);
      }
    }
    parts.clear();
    parts.push_back(std::move(out));
  }

  std::size_t added(bool pair) const override {
    std::size_t count = 0;
    for (const Piece& piece : pair ? pair_ : single_) count += piece.ids.size();
    return count;
  }

  std::int32_t first_special() const override {
    return single_.empty() || single_.front().ids.empty() ? Vocabulary::kNone : single_.front().ids.front();
  }
  std::int32_t last_special() const override {
    return single_.empty() || single_.back().ids.empty() ? Vocabulary::kNone : single_.back().ids.back();
  }

 private:
  Template single_, pair_;
};

class RobertaProcessing final : public TemplateProcessing {
 public:
  RobertaProcessing(Template single, Template pair, bool trim, bool prefixed)
      : TemplateProcessing(std::move(single), std::move(pair)), trim_(trim), prefixed_(prefixed) {}

  void process(std::vector<TokenizedText>& parts, const TokenTable& tokens, bool add_special) const override {
    for (TokenizedText& part : parts)
      if (trim_) trim_offsets(part, tokens, prefixed_);
    TemplateProcessing::process(parts, tokens, add_special);
  }

 private:
  bool trim_, prefixed_;
};

std::int32_t read_id(const JsonView& json, const TokenTable& tokens) {
  const auto id = static_cast<std::int32_t>(json.integer(0, INT32_MAX));
  if (!tokens.has(id)) json.invalid("expected the id of a token, came {}", id);
  return id;
}

Piece read_special(const JsonView& json, const JsonView& root, const TokenTable& tokens) {
  const std::string_view name = json.at("id").string();
  const std::optional<JsonView> all = root.find("special_tokens");
  const std::optional<JsonView> found = all ? all->find(name) : std::nullopt;
  if (!found) json.invalid("names the special token {}, which special_tokens lacks", shown(name));
  Piece piece;
  found->at("ids").each([&](const JsonView& id) { piece.ids.push_back(read_id(id, tokens)); });
  return piece;
}

Piece read_sequence(const JsonView& json) {
  const std::string_view name = json.at("id").string();
  if (name != "A" && name != "B") json.invalid("expected the text A or B, came {}", shown(name));
  Piece piece;
  piece.part = name == "A" ? 0 : 1;
  return piece;
}

Template read_template(const JsonView& json, const JsonView& root, const TokenTable& tokens) {
  constexpr std::size_t kMostAdded = 1 << 16;
  Template form;
  std::size_t added = 0;
  json.each([&](const JsonView& item) {
    const std::optional<JsonView> special = item.find("SpecialToken"), sequence = item.find("Sequence");
    if (!special == !sequence) item.invalid("expected a member \"SpecialToken\" or \"Sequence\"");
    const JsonView& inner = special ? *special : *sequence;
    form.push_back(special ? read_special(inner, root, tokens) : read_sequence(inner));
    if (const auto type_id = inner.find("type_id"))
      form.back().type_id = static_cast<std::int32_t>(type_id->integer(0, INT32_MAX));
    added += form.back().ids.size();
    if (added > kMostAdded) item.invalid("expected at most {} special tokens in all, came more", kMostAdded);
  });
  return form;
}

// A pair without a template of its own: the second text follows the first.
Template default_pair() {
  return {{0, {}, 0}, {1, {}, 1}};
}

// ["[CLS]", 101]
std::int32_t read_named_id(const JsonView& json, const TokenTable& tokens) {
  const simdjson::dom::array both = json.array();
  if (both.size() != 2) json.invalid("expected a token and its id");
  json.item(0, both.at(0)).string();
  return read_id(json.item(1, both.at(1)), tokens);
}

}  // namespace

PostProcessorPointer make_template_processing(const JsonView& json, const TokenTable& tokens) {
  const std::optional<JsonView> pair = json.find("pair");
  return std::make_unique<TemplateProcessing>(read_template(json.at("single"), json, tokens),
                                              pair ? read_template(*pair, json, tokens) : default_pair());
}

PostProcessorPointer make_bert_processing(const JsonView& json, const TokenTable& tokens) {
  const std::int32_t cls = read_named_id(json.at("cls"), tokens), sep = read_named_id(json.at("sep"), tokens);
  Template single{{-1, {cls}, 0}, {0, {}, 0}, {-1, {sep}, 0}};
  Template pair = single;
  pair.push_back({1, {}, 1});
  pair.push_back({-1, {sep}, 1});
  return std::make_unique<TemplateProcessing>(std::move(single), std::move(pair));
}

PostProcessorPointer make_roberta_processing(const JsonView& json, const TokenTable& tokens) {
  const std::int32_t cls = read_named_id(json.at("cls"), tokens), sep = read_named_id(json.at("sep"), tokens);
  Template single{{-1, {cls}, 0}, {0, {}, 0}, {-1, {sep}, 0}};
  Template pair = single;
  pair.push_back({-1, {sep}, 0});
  pair.push_back({1, {}, 0});
  pair.push_back({-1, {sep}, 0});
  return std::make_unique<RobertaProcessing>(std::move(single), std::move(pair),
                                             json.boolean_or("trim_offsets", true),
                                             json.boolean_or("add_prefix_space", true));
}

}  // namespace swiftlet::text
