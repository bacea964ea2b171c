// Methods of texts: Python's str.
#include <algorithm>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/jinja_filters.h"
#include "swiftlet/text/jinja_format.h"
#include "swiftlet/text/jinja_strings.h"
#include "swiftlet/text/jinja_write.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

const std::string& text(Call& call) {
  call.run.steps(static_cast<std::int64_t>(call.self.bytes().size() / 64));
  return call.self.bytes();
}

template <Side side>
Value strip_method(Call& call) {
  std::optional<std::string_view> chars;
  if (call.has(0) && !call.value(0).is_none()) {
    chars = call.text(0).bytes;
    call.run.steps(static_cast<std::int64_t>(text(call).size() / 64 * chars->size()));
  }
  return call.make(std::string(strip(text(call), side, chars)));
}

Value texts(Call& call, const std::vector<std::string_view>& parts, Kind kind = Kind::kList) {
  std::vector<Value> items;
  call.run.bytes(parts.size() * sizeof(Value));
  for (const std::string_view part : parts) items.push_back(call.make(std::string(part)));
  return make_sequence(call.run, kind, std::move(items));
}

template <bool from_right>
Value split_method(Call& call) {
  std::optional<std::string_view> separator;
  if (call.has(0) && !call.value(0).is_none()) {
    separator = call.text(0).bytes;
    if (separator->empty()) call.run.fail("empty separator");
  }
  return texts(call, split(text(call), separator, call.integer(1, -1), from_right));
}

template <bool from_right>
Value partition(Call& call) {
  const std::string_view self = text(call), separator = call.text(0).bytes;
  if (separator.empty()) call.run.fail("empty separator");
  const std::size_t place = from_right ? self.rfind(separator) : self.find(separator);
  if (place != std::string_view::npos)
    return texts(call, {self.substr(0, place), separator, self.substr(place + separator.size())},
                 Kind::kTuple);
  if (from_right) return texts(call, {"", "", self}, Kind::kTuple);
  return texts(call, {self, "", ""}, Kind::kTuple);
}

Value splitlines(Call& call) {
  return texts(call, split_lines(text(call), call.flag(0, false)));
}

// The part between the code points that arguments `first` and `first` + 1 name; none where it cannot be.
struct Part {
  std::string_view bytes;
  std::size_t offset = 0;
  bool valid = true;
};
Part part_of(Call& call, std::size_t first) {
  const Text& self = call.self.text();
  const auto place = [&](std::size_t i, std::int64_t fallback) {
    if (!call.has(i) || call.value(i).is_none()) return fallback;
    const std::int64_t at = call.integer(i, 0);
    return at < 0 ? std::max<std::int64_t>(at + self.length, 0) : at;
  };
  const std::int64_t begin = place(first, 0), end = std::min(place(first + 1, self.length), self.length);
  if (begin > end) return {{}, 0, false};
  const std::size_t from = byte_place(self, begin);
  return {std::string_view(self.bytes).substr(from, byte_place(self, end) - from), from, true};
}

template <bool at_end>
Value with_affix(Call& call) {
  const Part part = part_of(call, 1);
  text(call);
  const auto matches = [&](const Value& affix) {
    if (!affix.is_string())
      call.run.fail("{} wants a text or a tuple of them, not {}", call.name, type_name(affix));
    return part.valid &&
           (at_end ? part.bytes.ends_with(affix.bytes()) : part.bytes.starts_with(affix.bytes()));
  };
  if (!call.value(0).is(Kind::kTuple)) return Value::boolean(matches(call.value(0)));
  const auto& options = call.value(0).items();
  return Value::boolean(std::any_of(options.begin(), options.end(), matches));
}

template <bool from_right, bool required>
Value find(Call& call) {
  const Part part = part_of(call, 1);
  text(call);
  const std::string& wanted = call.text(0).bytes;
  const std::size_t place = !part.valid  ? std::string::npos
                            : from_right ? part.bytes.rfind(wanted)
                                         : part.bytes.find(wanted);
  if (place != std::string_view::npos)
    return Value::integer(char_place(call.self.text(), part.offset + place));
  if (required) call.run.fail("substring not found");
  return Value::integer(-1);
}

Value count(Call& call) {
  const Part part = part_of(call, 1);
  text(call);
  const std::string& wanted = call.text(0).bytes;
  if (!part.valid) return Value::integer(0);
  if (wanted.empty()) return Value::integer(static_cast<std::int64_t>(count_chars(part.bytes)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = part.bytes.find(wanted); at != std::string_view::npos;
       at = part.bytes.find(wanted, at + wanted.size()))
    ++found;
  return Value::integer(found);
}

Value join(Call& call) {
  std::string out;
  bool first = true;
  for (const Value& item : iterate(call.run, call.value(0))) {
    if (!item.is_string()) call.run.fail("join wants texts, not '{}'", type_name(item));
    call.run.bytes(text(call).size() + item.bytes().size());
    if (!std::exchange(first, false)) out += text(call);
    out += item.bytes();
  }
  return call.make(std::move(out));
}

Value replace_method(Call& call) {
  return call.make(
      replace(call.run, text(call), call.text(0).bytes, call.text(1).bytes, call.integer(2, -1)));
}

std::string fill_of(Call& call) {
  if (!call.has(1)) return " ";
  if (call.text(1).length != 1) call.run.fail("The fill character must be exactly one character long");
  return call.text(1).bytes;
}

std::int64_t room(Call& call) {
  return std::max<std::int64_t>(call.integer(0, 0) - call.self.text().length, 0);
}

Value ljust(Call& call) {
  return call.make(pad(call.run, text(call), 0, room(call), fill_of(call)));
}
Value rjust(Call& call) {
  return call.make(pad(call.run, text(call), room(call), 0, fill_of(call)));
}
Value center(Call& call) {
  const std::int64_t all = room(call), left = all / 2 + (all & call.integer(0, 0) & 1);
  return call.make(pad(call.run, text(call), left, all - left, fill_of(call)));
}

Value zfill(Call& call) {
  const std::string& self = text(call);
  const bool sign = !self.empty() && (self[0] == '-' || self[0] == '+');
  return call.make((sign ? self.substr(0, 1) : "") +
                   pad(call.run, self.substr(sign ? 1 : 0), room(call), 0, "0"));
}

Value expandtabs(Call& call) {
  const std::int64_t size = call.integer(0, 8);
  std::string out;
  std::int64_t column = 0;
  for (const char byte : text(call)) {
    if (byte == '\t') {
      const std::int64_t blanks = size > 0 ? size - column % size : 0;
      out += repeat(call.run, " ", blanks);
      column += blanks;
      continue;
    }
    out += byte;
    column = byte == '\n' || byte == '\r' ? 0 : column + (is_continuation_byte(byte) ? 0 : 1);
  }
  return call.make(std::move(out));
}

Value remove_prefix(Call& call) {
  const std::string &self = text(call), &prefix = call.text(0).bytes;
  return call.make(self.starts_with(prefix) ? self.substr(prefix.size()) : self);
}

Value remove_suffix(Call& call) {
  const std::string &self = text(call), &suffix = call.text(0).bytes;
  return call.make(self.ends_with(suffix) ? self.substr(0, self.size() - suffix.size()) : self);
}

template <bool (*predicate)(char32_t)>
Value all_are(Call& call) {
  const std::string& self = text(call);
  for (std::size_t at = 0; at < self.size(); at += char_at(self, at).bytes)
    if (!predicate(char_at(self, at).code)) return Value::boolean(false);
  return Value::boolean(!self.empty());
}

template <bool (*wanted)(char32_t), bool (*other)(char32_t)>
Value cased(Call& call) {
  const std::string& self = text(call);
  bool any = false;
  for (std::size_t at = 0; at < self.size(); at += char_at(self, at).bytes) {
    const char32_t code = char_at(self, at).code;
    if (other(code) || is_title(code)) return Value::boolean(false);
    any = any || wanted(code);
  }
  return Value::boolean(any);
}

Value istitle(Call& call) {
  const std::string& self = text(call);
  bool any = false, inside = false;
  for (std::size_t at = 0; at < self.size(); at += char_at(self, at).bytes) {
    const char32_t code = char_at(self, at).code;
    const bool starts = is_upper(code) || is_title(code), goes_on = is_lower(code);
    if ((starts && inside) || (goes_on && !inside)) return Value::boolean(false);
    inside = starts || goes_on;
    any = any || inside;
  }
  return Value::boolean(any);
}

bool is_alnum(char32_t code) {
  return is_alpha(code) || is_number(code) || is_digit(code);
}

constexpr Builtin kTextMethods[] = {
    {"capitalize", {}, [](Call& c) { return c.make(capitalize(text(c))); }},
    {"casefold", {}, [](Call& c) { return c.make(casefold(text(c))); }},
    {"center", {"width", "?fillchar"}, center},
    {"count", {"sub", "?start", "?end"}, count},
    {"endswith", {"suffix", "?start", "?end"}, with_affix<true>},
    {"expandtabs", {"?tabsize"}, expandtabs},
    {"find", {"sub", "?start", "?end"}, find<false, false>},
    {"format", {"*"}, brace_format},
    {"format_map", {"*"}, brace_format},
    {"index", {"sub", "?start", "?end"}, find<false, true>},
    {"isalnum", {}, all_are<is_alnum>},
    {"isalpha", {}, all_are<is_alpha>},
    {"isascii", {}, [](Call& c) { return Value::boolean(c.self.text().ascii()); }},
    {"isdecimal", {}, all_are<is_decimal>},
    {"isdigit", {}, all_are<is_digit>},
    {"isidentifier", {}, [](Call& c) { return Value::boolean(is_identifier(text(c))); }},
    {"islower", {}, cased<is_lower, is_upper>},
    {"isnumeric", {}, all_are<is_number>},
    {"isprintable",
     {},
     [](Call& c) { return c.self.bytes().empty() ? Value::boolean(true) : all_are<is_printable>(c); }},
    {"isspace", {}, all_are<is_space>},
    {"istitle", {}, istitle},
    {"isupper", {}, cased<is_upper, is_lower>},
    {"join", {"iterable"}, join},
    {"ljust", {"width", "?fillchar"}, ljust},
    {"lower", {}, [](Call& c) { return c.make(lower(text(c))); }},
    {"lstrip", {"?chars"}, strip_method<Side::kLeft>},
    {"partition", {"sep"}, partition<false>},
    {"removeprefix", {"prefix"}, remove_prefix},
    {"removesuffix", {"suffix"}, remove_suffix},
    {"replace", {"old", "new", "?count"}, replace_method},
    {"rfind", {"sub", "?start", "?end"}, find<true, false>},
    {"rindex", {"sub", "?start", "?end"}, find<true, true>},
    {"rjust", {"width", "?fillchar"}, rjust},
    {"rpartition", {"sep"}, partition<true>},
    {"rsplit", {"?sep", "?maxsplit"}, split_method<true>},
    {"rstrip", {"?chars"}, strip_method<Side::kRight>},
    {"split", {"?sep", "?maxsplit"}, split_method<false>},
    {"splitlines", {"?keepends"}, splitlines},
    {"startswith", {"prefix", "?start", "?end"}, with_affix<false>},
    {"strip", {"?chars"}, strip_method<Side::kBoth>},
    {"swapcase", {}, [](Call& c) { return c.make(swapcase(text(c))); }},
    {"title", {}, [](Call& c) { return c.make(title(text(c))); }},
    {"upper", {}, [](Call& c) { return c.make(upper(text(c))); }},
    {"zfill", {"width"}, zfill},
};

}  // namespace

std::span<const Builtin> text_methods() {
  return kTextMethods;
}

}  // namespace swiftlet::text::jinja
