// BertNormalizer: what the first BERT did to a text before it cut it into words.
#include "swiftlet/text/normalizer.h"

namespace swiftlet::text {
namespace {

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const JsonView& json)
      : clean_text_(json.boolean_or("clean_text", true)),
        separate_chinese_(json.boolean_or("handle_chinese_chars", true)),
        lower_case_(json.boolean_or("lowercase", true)),
        // Left open, accents go where capitals go.
        strip_accents_(json.boolean_or("strip_accents", lower_case_)) {}

  void normalize(NormalizedText& text) const override {
    if (is_ascii(text.text())) return normalize_ascii(text);
    if (clean_text_) clean(text);
    if (separate_chinese_) separate_chinese(text);
    if (strip_accents_) {
      to_nfd(text);
      remove_chars(text, is_nonspacing_mark);
    }
    if (lower_case_) lower_case(text);
  }

 private:
  // The same in one pass: ASCII knows neither accents nor ideographs.
  void normalize_ascii(NormalizedText& text) const {
    Rewrite rewrite(text);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size(); ++at) {
      char c = old[at];
      if (clean_text_ && (c < 0x20 || c == 0x7F)) {
        if (c != '\t' && c != '\n' && c != '\r') continue;
        c = ' ';
      }
      if (lower_case_ && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      rewrite.put(std::string_view(&c, 1), at, 1);
    }
    rewrite.finish();
  }

  static void clean(NormalizedText& text) {
    Rewrite rewrite(text);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size();) {
      const Char c = char_at(old, at);
      const bool line_space = c.code == '\t' || c.code == '\n' || c.code == '\r';
      if (line_space || (is_white_space(c.code) && !is_control_or_format(c.code))) {
        rewrite.put(" ", at, c.bytes);
      } else if (c.code != 0 && c.code != kReplacementCharacter && !is_control_or_format(c.code)) {
        rewrite.keep(at, at + c.bytes);
      }
      at += c.bytes;
    }
    rewrite.finish();
  }

  static void separate_chinese(NormalizedText& text) {
    Rewrite rewrite(text);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size();) {
      const Char c = char_at(old, at);
      const bool apart = is_chinese(c.code);
      if (apart) rewrite.put(" ", at);
      rewrite.keep(at, at + c.bytes);
      if (apart) rewrite.put(" ", at);
      at += c.bytes;
    }
    rewrite.finish();
  }

  bool clean_text_, separate_chinese_, lower_case_, strip_accents_;
};

}  // namespace

NormalizerPointer make_bert_normalizer(const JsonView& json) {
  return std::make_unique<BertNormalizer>(json);
}

}  // namespace swiftlet::text
