#include "swiftlet/text/jinja_format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "swiftlet/text/jinja_interpreter.h"
#include "swiftlet/text/jinja_numbers.h"
#include "swiftlet/text/jinja_strings.h"
#include "swiftlet/text/jinja_write.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

// What both notations come down to.
struct Spec {
  std::string fill = " ";
  char align = 0;  // '<', '>', '^', '='; 0: as the type has it
  char sign = '-';
  bool alternate = false;
  std::int64_t width = 0, precision = -1;
  char grouping = 0;  // ',' or '_'
  char type = 0;
};

constexpr std::int64_t kMostDigits = 1000;  // of precision; width is left to the budget

std::string in_field(Runtime& run, const Spec& spec, const std::string& sign, const std::string& body,
                     char align) {
  const std::int64_t length = static_cast<std::int64_t>(count_chars(sign) + count_chars(body));
  const std::int64_t room = std::max<std::int64_t>(spec.width - length, 0);
  if (align == '=') return sign + pad(run, body, room, 0, spec.fill);
  const std::int64_t left = align == '>' ? room : align == '^' ? room / 2 : 0;
  return pad(run, sign + body, left, room - left, spec.fill);
}

std::string grouped_digits(const std::string& digits, char separator, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % size == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string digits_of(std::uint64_t value, unsigned base, bool upper_case) {
  std::string out;
  do {
    out += (upper_case ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
    value /= base;
  } while (value != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

std::string sign_of(bool negative, char sign) {
  return negative ? "-" : sign == '-' ? "" : std::string(1, sign);
}

std::string whole(Runtime& run, const Spec& spec, std::int64_t value, bool percent) {
  const char type =
      spec.type == 0 || spec.type == 'n' || spec.type == 'i' || spec.type == 'u' ? 'd' : spec.type;
  const unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  const std::uint64_t size =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits = digits_of(size, base, type == 'X');
  if (percent && spec.precision > std::ssize(digits))
    digits = repeat(run, "0", spec.precision - std::ssize(digits)) + digits;
  std::string sign = sign_of(value < 0, spec.sign);
  if (spec.alternate && base != 10) sign += std::string("0") + type;
  if (spec.grouping != 0) digits = grouped_digits(digits, spec.grouping, base == 10 ? 3 : 4);
  return in_field(run, spec, sign, digits, spec.align != 0 ? spec.align : '>');
}

std::string real(Runtime& run, Spec spec, double value) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const double size = std::abs(value);
  std::string body;
  char type = spec.type;
  if (std::isnan(value) || std::isinf(value)) {
    body = std::isnan(value) ? "nan" : "inf";
    if (type == 'F' || type == 'E' || type == 'G') body = std::isnan(value) ? "NAN" : "INF";
    if (type == '%') body += '%';
  } else if (type == 0 && spec.precision < 0) {
    body = float_text(size);
  } else {
    const bool bare = type == 0;
    const bool share = type == '%';
    const int precision = static_cast<int>(std::min(spec.precision < 0 ? 6 : spec.precision, kMostDigits));
    if (type == 0 || type == 'n') type = 'g';
    if (share) type = 'f';
    const std::string format = fmt::format("%{}.*{}", spec.alternate ? "#" : "", type);
    const double scaled = share ? size * 100 : size;
    std::string buffer(
        static_cast<std::size_t>(std::snprintf(nullptr, 0, format.c_str(), precision, scaled)) + 1, '\0');
    std::snprintf(buffer.data(), buffer.size(), format.c_str(), precision, scaled);
    buffer.pop_back();
    body = std::move(buffer);
    if (bare && body.find_first_of(".e") == std::string::npos) body += ".0";
    if (share) body += '%';
  }
  if (spec.grouping != 0) {
    const std::size_t end = std::min(body.find_first_not_of("0123456789"), body.size());
    body = grouped_digits(body.substr(0, end), spec.grouping, 3) + body.substr(end);
  }
  return in_field(run, spec, sign_of(negative, spec.sign), body, spec.align != 0 ? spec.align : '>');
}

std::string words(Runtime& run, const Spec& spec, const std::string& text) {
  std::string body = text;
  if (spec.precision >= 0 && spec.precision < static_cast<std::int64_t>(count_chars(text))) {
    std::size_t end = 0;
    for (std::int64_t i = 0; i < spec.precision; ++i) end += char_at(text, end).bytes;
    body.resize(end);
  }
  return in_field(run, spec, "", body, spec.align != 0 ? spec.align : '<');
}

std::int64_t read_number(Runtime& run, std::string_view text, std::size_t& at) {
  std::int64_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > (std::int64_t{1} << 40)) run.fail("a width or precision is too large");
  }
  return value;
}

// One conversion of "%...".
class Percent {
 public:
  Percent(Runtime& run, std::string_view format, const Value& values)
      : run_(run), format_(format), values_(values) {}

  std::string all() {
    std::string out;
    for (std::size_t i = 0; i < format_.size(); ++i) {
      if (format_[i] != '%') {
        out += format_[i];
        continue;
      }
      at_ = i + 1;
      out += one();
      i = at_ - 1;
    }
    run_.bytes(out.size());
    if (values_.is(Kind::kTuple) ? used_ < values_.items().size()
                                 : used_ == 0 && !values_.is(Kind::kDict) && !values_.is(Kind::kList))
      run_.fail("not all arguments converted during string formatting");
    return out;
  }

 private:
  const Value& next() {
    if (!values_.is(Kind::kTuple)) {
      if (used_++ > 0) run_.fail("not enough arguments for format string");
      return values_;
    }
    if (used_ >= values_.items().size()) run_.fail("not enough arguments for format string");
    return values_.items()[used_++];
  }

  Value named() {
    const std::size_t end = format_.find(')', at_);
    if (end == std::string_view::npos) run_.fail("incomplete format key");
    if (!values_.is(Kind::kDict)) run_.fail("format requires a mapping");
    const Value* found = values_.dict_object().find(format_.substr(at_ + 1, end - at_ - 1));
    if (found == nullptr) run_.fail("the key '{}' is missing", format_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return *found;
  }

  std::int64_t number() {
    if (at_ >= format_.size() || format_[at_] != '*') return read_number(run_, format_, at_);
    ++at_;
    const Value& value = next();
    if (!value.is_integral()) run_.fail("* wants int");
    if (value.as_int() > (std::int64_t{1} << 40)) run_.fail("a width or precision is too large");
    return value.as_int();
  }

  std::string one() {
    Spec spec;
    std::optional<Value> value;
    if (at_ < format_.size() && format_[at_] == '(') value = named();
    bool left = false, zero = false;
    for (; at_ < format_.size() && std::string_view("-+ #0").find(format_[at_]) != std::string_view::npos;
         ++at_) {
      left = left || format_[at_] == '-';
      zero = zero || format_[at_] == '0';
      spec.alternate = spec.alternate || format_[at_] == '#';
      if (format_[at_] == '+' || (format_[at_] == ' ' && spec.sign != '+')) spec.sign = format_[at_];
    }
    spec.width = number();
    if (spec.width < 0) {
      left = true;
      spec.width = -spec.width;
    }
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      spec.precision = std::max<std::int64_t>(number(), 0);
    }
    while (at_ < format_.size() && std::string_view("hlL").find(format_[at_]) != std::string_view::npos)
      ++at_;
    if (at_ >= format_.size()) run_.fail("incomplete format");
    spec.type = format_[at_++];
    if (spec.type == '%') return "%";
    spec.align = left ? '<' : zero ? '=' : '>';
    if (zero && !left) spec.fill = "0";
    return convert(spec, value ? *value : next());
  }

  std::string convert(Spec& spec, const Value& value) {
    if (std::string_view("diuxXo").find(spec.type) != std::string_view::npos) {
      const bool hex = std::string_view("xXo").find(spec.type) != std::string_view::npos;
      if (!value.is_number() || (hex && !value.is_integral()))
        run_.fail("%{} format: a number is required, not {}", spec.type, type_name(value));
      return whole(run_, spec, to_int(run_, value, 10).value_or(0), true);
    }
    if (std::string_view("eEfFgG").find(spec.type) != std::string_view::npos) {
      if (!value.is_number()) run_.fail("must be real number, not {}", type_name(value));
      return real(run_, spec, value.as_double());
    }
    spec.fill = " ";
    if (spec.align == '=') spec.align = '>';
    if (spec.type == 's') return words(run_, spec, str(run_, value));
    if (spec.type == 'r' || spec.type == 'a') return words(run_, spec, repr(run_, value));
    if (spec.type != 'c') run_.fail("unsupported format character '{}'", spec.type);
    std::string letter;
    if (value.is_integral() && value.as_int() >= 0 && value.as_int() < 0x110000 &&
        (value.as_int() < 0xD800 || value.as_int() > 0xDFFF))
      append_utf8(letter, static_cast<char32_t>(value.as_int()));
    else if (value.is_string() && value.text().length == 1)
      letter = value.bytes();
    else
      run_.fail("%c requires int or char");
    return words(run_, spec, letter);
  }

  Runtime& run_;
  std::string_view format_;
  const Value& values_;
  std::size_t at_ = 0, used_ = 0;
};

Spec parse_spec(Runtime& run, std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  const auto is_align = [](char byte) {
    return std::string_view("<>=^").find(byte) != std::string_view::npos;
  };
  const auto peek = [&](std::string_view set) {
    return at < text.size() && set.find(text[at]) != std::string_view::npos;
  };
  bool filled = false;
  const std::size_t first = text.empty() ? 0 : char_at(text, 0).bytes;
  if (first < text.size() && first > 0 && is_align(text[first])) {
    spec.fill = std::string(text.substr(0, first));
    spec.align = text[first];
    at = first + 1;
    filled = true;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    at = 1;
  }
  if (peek("+- ")) spec.sign = text[at++];
  if (peek("#")) spec.alternate = ++at > 0;
  if (peek("0")) {
    ++at;
    if (!filled) spec.fill = "0";
    if (spec.align == 0) spec.align = '=';
  }
  spec.width = read_number(run, text, at);
  if (peek(",_")) spec.grouping = text[at++];
  if (peek(".")) {
    ++at;
    if (!peek("0123456789")) run.fail("Format specifier missing precision");
    spec.precision = read_number(run, text, at);
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) run.fail("Invalid format specifier '{}'", text);
  return spec;
}

std::string format_value(Runtime& run, const Value& value, std::string_view text) {
  if (text.empty()) return str(run, value);
  const Spec spec = parse_spec(run, text);
  const auto type_in = [&](std::string_view types) {
    return types.find(spec.type) != std::string_view::npos;
  };
  if (value.is_integral()) {
    if (spec.type == 0 || type_in("dxXobn")) {
      if (spec.precision >= 0) run.fail("Precision not allowed in integer format specifier");
      return whole(run, spec, value.as_int(), false);
    }
    if (type_in("eEfFgG%")) return real(run, spec, value.as_double());
  } else if (value.is(Kind::kFloat)) {
    if (spec.type == 0 || type_in("eEfFgGn%")) return real(run, spec, value.as_double());
  } else if (value.is_string()) {
    if ((spec.type == 0 || spec.type == 's') && spec.align != '=') return words(run, spec, str(run, value));
  } else {
    run.fail("unsupported format string passed to {}.__format__", type_name(value));
  }
  run.fail("Unknown format code for object of type '{}': '{}'", type_name(value), text);
}

// "{0.name[key]!r:>8}" and the text around.
class Brace {
 public:
  explicit Brace(Call& call) : call_(call), run_(call.run) {}

  std::string all(std::string_view format, int depth) {
    if (depth > 2) run_.fail("Max string recursion exceeded");
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
      const char byte = format[i];
      const bool doubled = i + 1 < format.size() && format[i + 1] == byte;
      if (byte != '{' && byte != '}') {
        out += byte;
      } else if (doubled) {
        out += byte;
        ++i;
      } else if (byte == '}') {
        run_.fail("Single '}}' encountered in format string");
      } else {
        const std::size_t end = closing(format, i);
        out += field(format.substr(i + 1, end - i - 1), depth);
        i = end;
      }
    }
    run_.bytes(out.size());
    return out;
  }

 private:
  std::size_t closing(std::string_view format, std::size_t at) {
    int open = 0;
    for (std::size_t i = at; i < format.size(); ++i) {
      if (format[i] == '{') ++open;
      if (format[i] == '}' && --open == 0) return i;
    }
    run_.fail("expected '}}' before end of string");
  }

  std::string field(std::string_view text, int depth) {
    std::size_t end = 0;
    for (bool inside = false; end < text.size() && (inside || (text[end] != '!' && text[end] != ':')); ++end)
      inside = text[end] == '[' || (inside && text[end] != ']');
    Value value = look_up(text.substr(0, end));
    if (end < text.size() && text[end] == '!') {
      const char conversion = end + 1 < text.size() ? text[end + 1] : '\0';
      if (conversion == 'r' || conversion == 'a')
        value = make_string(run_, repr(run_, value));
      else if (conversion == 's')
        value = make_string(run_, str(run_, value));
      else
        run_.fail("Unknown conversion specifier");
      end += 2;
      if (end < text.size() && text[end] != ':') run_.fail("expected ':' after conversion specifier");
    }
    const std::string spec = end < text.size() ? all(text.substr(end + 1), depth + 1) : "";
    return format_value(run_, value, spec);
  }

  Value look_up(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = argument(path.substr(0, end));
    for (std::size_t at = end; at < path.size();) {
      const bool attribute = path[at] == '.';
      const std::size_t close =
          attribute ? std::min(path.find_first_of(".[", at + 1), path.size()) : path.find(']', at);
      if (close == std::string_view::npos || close == at + 1) run_.fail("Empty attribute in format string");
      const std::string_view name = path.substr(at + 1, close - at - 1);
      if (attribute) {
        value = call_.in.attribute(value, name);
      } else {
        const bool number =
            name.find_first_not_of("0123456789") == std::string_view::npos && name.size() < 18;
        value = call_.in.subscript(value, number ? Value::integer(std::stoll(std::string(name)))
                                                 : make_string(run_, std::string(name)));
      }
      at = attribute ? close : close + 1;
      if (at < path.size() && path[at] != '.' && path[at] != '[')
        run_.fail("Only '.' or '[' may follow ']' in format field specifier");
    }
    return value;
  }

  Value argument(std::string_view name) {
    const auto& positional = call_.arguments.positional;
    if (name.empty() || name.find_first_not_of("0123456789") == std::string_view::npos) {
      const bool automatic = name.empty();
      if (automatic ? manual_ : next_ > 0)
        run_.fail("cannot switch between manual and automatic field numbering");
      manual_ = !automatic;
      const std::size_t index = automatic         ? next_++
                                : name.size() > 9 ? positional.size()
                                                  : std::stoul(std::string(name));
      if (index >= positional.size())
        run_.fail("Replacement index {} out of range for positional args tuple", index);
      return positional[index];
    }
    for (const auto& [key, value] : call_.arguments.named)
      if (key == name) return value;
    run_.fail("the key '{}' is missing", name);
  }

  Call& call_;
  Runtime& run_;
  std::size_t next_ = 0;
  bool manual_ = false;
};

}  // namespace

Value percent_format(Runtime& run, const Value& format, const Value& values) {
  run.steps(static_cast<std::int64_t>(format.bytes().size()));
  return make_string(run, Percent(run, format.bytes(), values).all());
}

Value brace_format(Call& call) {
  call.run.steps(static_cast<std::int64_t>(call.self.bytes().size()));
  if (call.name == "format_map") {
    if (!call.arguments.named.empty() || call.arguments.positional.size() != 1 ||
        !call.arguments.positional[0].is(Kind::kDict))
      call.run.fail("format_map() takes one mapping");
    const Value mapping = call.arguments.positional[0];
    call.arguments.positional.clear();
    for (const auto& [key, value] : mapping.dict_object().items)
      if (key.is_string()) call.arguments.named.emplace_back(key.bytes(), value);
  }
  return call.make(Brace(call).all(call.self.bytes(), 0));
}

}  // namespace swiftlet::text::jinja
