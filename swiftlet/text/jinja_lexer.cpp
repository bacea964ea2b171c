#include "swiftlet/text/jinja_lexer.h"

#include <algorithm>
#include <array>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/jinja_strings.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

bool is_digit_of(char byte, int base) {
  if (base == 16) return std::isxdigit(static_cast<unsigned char>(byte)) != 0;
  return byte >= '0' && byte < '0' + base;
}

// CR LF and CR become LF; one newline at the very end goes.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string source, Runtime& run) : source_(std::move(source)), run_(run) {}
  std::vector<Token> run();

 private:
  bool at(std::string_view text) const { return std::string_view(source_).substr(at_).starts_with(text); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void advance(std::size_t count) {
    run_.line +=
        static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                    source_.begin() + static_cast<std::ptrdiff_t>(at_ + count), '\n'));
    at_ += count;
  }
  void push(TokenKind kind, std::string text) { tokens_.push_back({kind, run_.line, std::move(text)}); }
  void skip_space() {
    while (at_ < source_.size() && is_space(char_at(source_, at_).code)) advance(char_at(source_, at_).bytes);
  }
  void skip_newline() {
    if (peek() == '\n') advance(1);
  }

  std::size_t next_tag() const;
  void data(std::size_t end, char sign, bool print);
  void comment();
  bool raw();
  void finish_block();
  void inside(bool print);
  bool close(bool print);
  void token();
  void number();
  void string();
  void name();
  void operator_token();
  std::size_t digits(std::size_t from, int base) const;

  std::string source_;
  Runtime& run_;
  std::size_t at_ = 0;
  bool line_start_ = true;
  std::string open_;  // the brackets that wait for their counterparts
  std::vector<Token> tokens_;
};

std::size_t Lexer::next_tag() const {
  for (std::size_t i = source_.find('{', at_); i != std::string::npos; i = source_.find('{', i + 1)) {
    const char next = i + 1 < source_.size() ? source_[i + 1] : '\0';
    if (next == '%' || next == '{' || next == '#') return i;
  }
  return std::string::npos;
}

// Text before a tag, stripped as the tag wants it.
void Lexer::data(std::size_t end, char sign, bool print) {
  std::string_view text = std::string_view(source_).substr(at_, end - at_);
  if (sign == '-') {
    while (!text.empty() && is_space(char_before(text, text.size()).code))
      text.remove_suffix(char_before(text, text.size()).bytes);
  } else if (sign != '+' && !print) {
    const std::size_t newline = text.rfind('\n');
    const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
    const std::string_view last = text.substr(start);
    if (!last.empty() && (start > 0 || line_start_) && all_space(last)) text = text.substr(0, start);
  }
  if (!text.empty()) push(TokenKind::kData, std::string(text));
  advance(end - at_);
}

void Lexer::comment() {
  const std::size_t end = source_.find("#}", at_);
  if (end == std::string::npos) run_.fail("Missing end of comment tag");
  const char sign = end > at_ ? source_[end - 1] : '\0';
  advance(end + 2 - at_);
  const std::size_t before = at_;
  if (sign == '-')
    skip_space();
  else if (sign != '+')
    skip_newline();
  line_start_ = at_ > before && source_[at_ - 1] == '\n';
}

// What follows the end of a block tag of the given sign.
void Lexer::finish_block() {
  const char sign = peek();
  advance(sign == '%' ? 2 : 3);
  const std::size_t before = at_;
  if (sign == '-')
    skip_space();
  else if (sign == '%')
    skip_newline();
  line_start_ = at_ > before && source_[at_ - 1] == '\n';
}

// {% raw %}; at_ stands behind "{%" and its sign.
bool Lexer::raw() {
  const std::size_t mark = at_;
  const int line = run_.line;
  skip_space();
  const bool word = at("raw");
  if (word) advance(3);
  skip_space();
  if (!word || (!at("%}") && !at("-%}"))) {
    at_ = mark;
    run_.line = line;
    return false;
  }
  const bool strip = peek() == '-';
  advance(strip ? 3 : 2);
  const std::size_t before = at_;
  if (strip) skip_space();
  line_start_ = at_ > before && source_[at_ - 1] == '\n';
  for (std::size_t tag = source_.find("{%", at_); tag != std::string::npos;
       tag = source_.find("{%", tag + 1)) {
    std::size_t place = tag + 2;
    const char sign = place < source_.size() ? source_[place] : '\0';
    if (sign == '-' || sign == '+') ++place;
    const auto space = [&] {
      while (place < source_.size() && is_space(char_at(source_, place).code))
        place += char_at(source_, place).bytes;
    };
    space();
    if (source_.compare(place, 6, "endraw") != 0) continue;
    place += 6;
    space();
    const std::string_view rest = std::string_view(source_).substr(place);
    if (!rest.starts_with("%}") && !rest.starts_with("-%}") && !rest.starts_with("+%}")) continue;
    data(tag, sign, false);
    advance(place - at_);
    finish_block();
    return true;
  }
  run_.fail("Missing end of raw directive");
}

bool Lexer::close(bool print) {
  if (!open_.empty()) return false;
  if (print) {
    if (!at("}}") && !at("-}}")) return false;
    push(TokenKind::kClosePrint, "");
    const bool strip = peek() == '-';
    advance(strip ? 3 : 2);
    const std::size_t before = at_;
    if (strip) skip_space();
    line_start_ = at_ > before && source_[at_ - 1] == '\n';
    return true;
  }
  if (!at("%}") && !at("-%}") && !at("+%}")) return false;
  push(TokenKind::kCloseBlock, "");
  finish_block();
  return true;
}

std::size_t Lexer::digits(std::size_t from, int base) const {
  std::size_t end = from;
  while (end < source_.size()) {
    if (is_digit_of(source_[end], base))
      ++end;
    else if (source_[end] == '_' && end + 1 < source_.size() && is_digit_of(source_[end + 1], base))
      end += 2;
    else
      break;
  }
  return end;
}

void Lexer::number() {
  std::size_t end = digits(at_, 10);
  TokenKind kind = TokenKind::kInteger;
  const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
  const auto digit = [&](std::size_t i) { return i < source_.size() && is_digit_of(source_[i], 10); };
  const char prefix = static_cast<char>(peek(1) | 0x20);
  const int base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 0;
  const std::size_t first = at_ + 2 + (peek(2) == '_' ? 1 : 0);
  if (peek() == '0' && base != 0 && first < source_.size() && is_digit_of(source_[first], base)) {
    end = digits(first, base);
  } else if (!after_dot) {
    if (end < source_.size() && source_[end] == '.' && digit(end + 1)) {
      end = digits(end + 1, 10);
      kind = TokenKind::kFloat;
    }
    if (end < source_.size() && (source_[end] | 0x20) == 'e') {
      const std::size_t sign =
          end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
      if (digit(end + 1 + sign)) {
        end = digits(end + 1 + sign, 10);
        kind = TokenKind::kFloat;
      }
    }
  }
  // A zero in front stands alone: 012 is two numbers, and an error for the parser.
  if (kind == TokenKind::kInteger && base == 0 && peek() == '0')
    while (end > at_ + 1 && source_.find_first_not_of("0_", at_) < end) --end;
  std::string text = source_.substr(at_, end - at_);
  std::erase(text, '_');
  push(kind, std::move(text));
  advance(end - at_);
}

void Lexer::string() {
  const char quote = peek();
  std::size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) run_.fail("a text begins here that does not end");
  push(TokenKind::kString, unescape(run_, std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
  advance(end + 1 - at_);
}

void Lexer::name() {
  std::size_t end = at_;
  while (end < source_.size() && is_word(char_at(source_, end).code)) end += char_at(source_, end).bytes;
  std::string text = source_.substr(at_, end - at_);
  if (!is_identifier(text)) run_.fail("Invalid character in identifier");
  push(TokenKind::kName, std::move(text));
  advance(end - at_);
}

void Lexer::operator_token() {
  constexpr std::array<std::string_view, 26> kOperators{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                        "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                        ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
  const auto found =
      std::find_if(kOperators.begin(), kOperators.end(), [&](std::string_view text) { return at(text); });
  if (found == kOperators.end())
    run_.fail("unexpected char '{}'", source_.substr(at_, char_at(source_, at_).bytes));
  constexpr std::string_view kOpen = "([{", kClose = ")]}";
  const char byte = found->front();
  if (const std::size_t place = kOpen.find(byte); place != std::string_view::npos) {
    open_ += kClose[place];
  } else if (kClose.find(byte) != std::string_view::npos) {
    if (open_.empty()) run_.fail("unexpected '{}'", byte);
    if (open_.back() != byte) run_.fail("unexpected '{}', expected '{}'", byte, open_.back());
    open_.pop_back();
  }
  push(TokenKind::kOperator, std::string(*found));
  advance(found->size());
}

void Lexer::token() {
  const char32_t code = char_at(source_, at_).code;
  if (code < 0x80 && is_digit_of(static_cast<char>(code), 10))
    number();
  else if (is_word(code))
    name();
  else if (code == '\'' || code == '"')
    string();
  else
    operator_token();
}

void Lexer::inside(bool print) {
  for (;;) {
    if (close(print)) return;
    skip_space();
    if (at_ >= source_.size()) return;  // the parser misses the end
    if (close(print)) return;
    token();
  }
}

std::vector<Token> Lexer::run() {
  while (at_ < source_.size()) {
    const std::size_t tag = next_tag();
    if (tag == std::string::npos) {
      push(TokenKind::kData, source_.substr(at_));
      advance(source_.size() - at_);
      break;
    }
    const char type = source_[tag + 1];
    const char after = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char sign = after == '-' || after == '+' ? after : '\0';
    data(tag, sign, type == '{');
    advance(sign == '\0' ? 2 : 3);
    if (type == '#') {
      comment();
    } else if (type == '{') {
      push(TokenKind::kOpenPrint, "");
      inside(true);
    } else if (!raw()) {
      push(TokenKind::kOpenBlock, "");
      inside(false);
    }
  }
  push(TokenKind::kEnd, "");
  return std::move(tokens_);
}

}  // namespace

std::vector<Token> tokenize(std::string_view source, Runtime& run) {
  return Lexer(normalized(source), run).run();
}

}  // namespace swiftlet::text::jinja
