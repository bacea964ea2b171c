// Strip, Replace and Prepend.
#include "swiftlet/text/normalizer.h"
#include "swiftlet/text/pattern.h"

namespace swiftlet::text {
namespace {

class Strip final : public Normalizer {
 public:
  explicit Strip(const JsonView& json)
      : left_(json.boolean_or("strip_left", true)), right_(json.boolean_or("strip_right", true)) {}

  void normalize(NormalizedText& text) const override {
    const std::string_view old = text.text();
    std::size_t begin = 0, end = old.size();
    for (; left_ && begin < end && is_white_space(char_at(old, begin).code);)
      begin += char_at(old, begin).bytes;
    for (; right_ && begin < end && is_white_space(char_before(old, end).code);)
      end -= char_before(old, end).bytes;
    if (begin > 0 || end < old.size()) text = text.slice(begin, end);
  }

 private:
  bool left_, right_;
};

class Replace final : public Normalizer {
 public:
  explicit Replace(const JsonView& json)
      : pattern_(json.at("pattern")), content_(json.at("content").string()) {}

  void normalize(NormalizedText& text) const override {
    std::vector<Span> matches;
    pattern_.find_all(text.text(), matches);
    if (matches.empty()) return;
    Rewrite rewrite(text);
    std::size_t last = 0;
    for (const Span& match : matches) {
      rewrite.keep(last, match.begin);
      put_content(rewrite, match);
      last = match.end;
    }
    rewrite.keep(last, rewrite.old().size());
    rewrite.finish();
  }

 private:
  // The content takes the place of the last character that it replaces.
  void put_content(Rewrite& rewrite, const Span& match) const {
    const std::string_view old = rewrite.old();
    const bool one_for_one = match.begin < match.end && count_chars(content_) == 1 &&
                             char_at(old, match.begin).bytes == match.end - match.begin;
    if (one_for_one) {
      rewrite.put(content_, match.begin, match.end - match.begin);
    } else if (!old.empty()) {
      rewrite.put(content_, match.end > 0 ? match.end - 1 : 0);
    }
  }

  Pattern pattern_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(const JsonView& json) : prefix_(json.at("prepend").string()) {}
  void normalize(NormalizedText& text) const override { prepend(text, prefix_); }

 private:
  std::string prefix_;
};

}  // namespace

void prepend(NormalizedText& text, std::string_view prefix) {
  if (text.empty()) return;
  Rewrite rewrite(text);
  rewrite.put(prefix, 0);
  rewrite.keep(0, rewrite.old().size());
  rewrite.finish();
}

NormalizerPointer make_strip(const JsonView& json) {
  return std::make_unique<Strip>(json);
}
NormalizerPointer make_replace_normalizer(const JsonView& json) {
  return std::make_unique<Replace>(json);
}
NormalizerPointer make_prepend(const JsonView& json) {
  return std::make_unique<Prepend>(json);
}

}  // namespace swiftlet::text
