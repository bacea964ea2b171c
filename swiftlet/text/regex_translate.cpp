// From Oniguruma's language (Ruby syntax) to PCRE2's. Both agree on nearly everything that tokenizer files
// use.
#include <array>
#include <string>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/regex.h"

namespace swiftlet::text {
namespace {

// Names of general categories and their groups; any other \p{Name} of plain letters is taken as a script.
bool is_category_or_property(std::string_view name) {
  if (name.size() <= 2) return true;
  constexpr std::array kNames = {"Any",         "Alpha",       "Alphabetic",      "Lowercase",
                                 "Uppercase",   "White_Space", "Emoji",           "Extended_Pictographic",
                                 "Ideographic", "ASCII",       "ASCII_Hex_Digit", "Hex_Digit",
                                 "Dash"};
  for (const char* known : kNames)
    if (name == known) return true;
  return name.find('=') != std::string_view::npos || name.find(':') != std::string_view::npos;
}

// What Oniguruma takes for a word character: these, and for history's sake, outside of classes only, the
// superscripts and fractions of Latin-1.
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kOldWord = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";

class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where) : in_(pattern), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\') {
        escape();
      } else if (c == '[') {
        out_ += character_class(0);
      } else if (in_.substr(at_, 2) == "(?") {
        group();
      } else {
        take(1);
      }
    }
    return std::move(out_);
  }

 private:
  void take(std::size_t count) {
    out_.append(in_, at_, count);
    at_ += count;
  }
  void replace(std::size_t count, std::string_view by) {
    out_ += by;
    at_ += count;
  }

  void escape() {
    if (at_ + 1 >= in_.size()) return take(1);  // PCRE2 will complain
    switch (in_[at_ + 1]) {
      case 's':
        return replace(2, "\\p{White_Space}");
      case 'S':
        return replace(2, "\\P{White_Space}");
      case 'w':
        return replace(2, in_class_ ? std::string(kWord) : fmt::format("[{}{}]", kWord, kOldWord));
      case 'W':
        return replace(2, fmt::format("[^{}{}]", kWord, in_class_ ? "" : kOldWord));
      case 'h':
        return replace(2, in_class_ ? "0-9a-fA-F" : "[0-9a-fA-F]");
      case 'p':
      case 'P':
        return property();
      default:
        return take(2);
    }
  }

  void property() {
    const std::size_t close = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || close == std::string_view::npos) return take(2);
    std::string_view name = in_.substr(at_ + 3, close - at_ - 3);
    const bool negated = !name.empty() && name.front() == '^';
    if (negated) name.remove_prefix(1);
    out_ += (in_[at_ + 1] == 'P') != negated ? "\\P{" : "\\p{";
    if (!is_category_or_property(name)) out_ += "sc:";
    out_.append(name);
    out_ += '}';
    at_ = close + 1;
  }

  // A set of characters: those of a plain class, and those that other expressions of one character match.
  struct Set {
    std::string plain;
    std::vector<std::string> others;

    bool is_plain() const { return others.empty(); }
    std::string expression() const {
      if (is_plain()) return fmt::format("[{}]", plain);
      std::string all = plain.empty() ? "" : fmt::format("[{}]", plain);
      for (const std::string& other : others) all += (all.empty() ? "" : "|") + other;
      return fmt::format("(?:{})", all);
    }
  };

  // From '[' to its ']'. PCRE2 knows no intersections and no classes in classes: unions are flattened where
  // they can be, the rest become alternatives and lookaheads of one character.
  std::string character_class(int depth) {
    bool negated = false;
    const std::vector<Set> sets = read_sets(depth, negated);
    if (sets.size() == 1 && sets[0].is_plain())
      return fmt::format("[{}{}]", negated ? "^" : "", sets[0].plain);
    std::string all;
    for (std::size_t i = 0; i + 1 < sets.size(); ++i) all += fmt::format("(?={})", sets[i].expression());
    all += sets.back().expression();
    return negated ? fmt::format("(?:(?!{})(?s:.))", all) : fmt::format("(?:{})", all);
  }

  // The operands of a class between "&&".
  std::vector<Set> read_sets(int depth, bool& negated) {
    constexpr int kMostDepth = 32;
    if (depth > kMostDepth)
      fail(ErrorCode::kUnsupported, where_, "expected character classes at most {} deep, came deeper",
           kMostDepth);
    ++at_;
    negated = at_ < in_.size() && in_[at_] == '^';
    if (negated) ++at_;
    std::vector<Set> sets(1);
    if (at_ < in_.size() && in_[at_] == ']') {  // closes nothing yet: an ordinary character
      sets[0].plain = "\\]";
      ++at_;
    }
    while (at_ < in_.size() && in_[at_] != ']') {
      if (in_.substr(at_, 2) == "&&") {
        sets.emplace_back();
        at_ += 2;
      } else {
        read_member(sets.back(), depth);
      }
    }
    if (at_ >= in_.size())
      fail(ErrorCode::kInvalid, where_, "expected a regular expression, came {}: a [ is not closed",
           shown(in_));
    ++at_;
    return sets;
  }

  void read_member(Set& set, int depth) {
    if (in_.substr(at_, 2) == "[:") {
      const std::size_t close = in_.find(":]", at_);
      const std::size_t end = close == std::string_view::npos ? in_.size() : close + 2;
      const std::string_view name = in_.substr(at_, end - at_);
      set.plain += name == "[:punct:]" ? "\\p{P}\\p{S}" : name;
      at_ = end;
    } else if (in_[at_] == '[') {
      std::string inner = character_class(depth + 1);
      const bool plain = inner.front() == '[' && inner[1] != '^';
      if (plain) {
        set.plain.append(inner, 1, inner.size() - 2);
      } else {
        set.others.push_back(std::move(inner));
      }
    } else if (in_[at_] == '\\') {
      const bool not_word = in_.substr(at_, 2) == "\\W";
      std::string outside;
      outside.swap(out_);
      in_class_ = true;
      escape();
      in_class_ = false;
      outside.swap(out_);
      if (not_word) {
        set.others.push_back(std::move(outside));
      } else {
        set.plain += outside;
      }
    } else {
      set.plain += in_[at_++];
    }
  }

  // Inline options: (?m) lets the dot match line ends here, which PCRE2 calls s.
  void group() {
    take(2);
    while (at_ < in_.size() && (in_[at_] == 'i' || in_[at_] == 'm' || in_[at_] == 'x' || in_[at_] == '-'))
      in_[at_] == 'm' ? replace(1, "s") : take(1);
  }

  std::string_view in_;
  const std::string& where_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string translate_pattern(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).run();
}

}  // namespace swiftlet::text
