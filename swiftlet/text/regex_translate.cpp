// From Oniguruma's language (Ruby syntax) to PCRE2's. Both agree on nearly everything that tokenizer files
// use.
#include <array>
#include <string>

#include "swiftlet/core/error.h"
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

// What Oniguruma takes for a word character: these, and for history's sake the superscripts and fractions of
// Latin-1.
constexpr std::string_view kWordClass = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";

class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where) : in_(pattern), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\') {
        escape();
      } else if (class_depth_ > 0) {
        in_class(c);
      } else if (c == '[') {
        open_class();
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
        return replace(2, class_depth_ > 0 ? std::string(kWordClass) : fmt::format("[{}]", kWordClass));
      case 'W':
        if (class_depth_ > 0)
          fail(ErrorCode::kUnsupported, where_, "expected a plain character class, came one with \\W inside");
        return replace(2, fmt::format("[^{}]", kWordClass));
      case 'h':
        return replace(2, class_depth_ > 0 ? "0-9a-fA-F" : "[0-9a-fA-F]");
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

  void open_class() {
    ++class_depth_;
    take(1);
    if (at_ < in_.size() && in_[at_] == '^') take(1);
    // A bracket that closes at once is an ordinary character; PCRE2 agrees.
    if (at_ < in_.size() && in_[at_] == ']') take(1);
  }

  void in_class(char c) {
    if (c == ']') {
      // Nested classes are flattened: a union needs no brackets.
      if (--class_depth_ == 0) return take(1);
      ++at_;
    } else if (c == '[' && in_.substr(at_, 2) == "[:") {
      const std::size_t close = in_.find(":]", at_);
      take(close == std::string_view::npos ? in_.size() - at_ : close + 2 - at_);
    } else if (c == '[') {
      if (in_.substr(at_, 2) == "[^")
        fail(ErrorCode::kUnsupported, where_, "expected a plain character class, came a negated one inside");
      ++class_depth_;
      ++at_;
    } else if (in_.substr(at_, 2) == "&&") {
      fail(ErrorCode::kUnsupported, where_, "expected a plain character class, came an intersection (&&)");
    } else {
      take(1);
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
  int class_depth_ = 0;
};

}  // namespace

std::string translate_pattern(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).run();
}

}  // namespace swiftlet::text
