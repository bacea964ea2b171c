// Filters of texts, numbers and single values; those of lists are in jinja_filters_lists.cpp.
#include "swiftlet/text/jinja_filters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/jinja_format.h"
#include "swiftlet/text/jinja_interpreter.h"
#include "swiftlet/text/jinja_numbers.h"
#include "swiftlet/text/jinja_operators.h"
#include "swiftlet/text/jinja_strings.h"
#include "swiftlet/text/jinja_write.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

void require_defined(Call& call) {
  if (call.self.is_undefined()) call.run.fail_text(call.self.hint());
}

const Text& self_string(Call& call) {
  require_defined(call);
  if (!call.self.is_string()) call.run.fail("{} wants a text, not '{}'", call.name, type_name(call.self));
  return call.self.text();
}

// Words begin behind white space, hyphens and opening brackets.
Value title_filter(Call& call) {
  const std::string text = call.self_text();
  std::string out;
  const auto splits = [](char32_t code) {
    return is_space(code) || std::u32string_view(U"-({[<").find(code) != std::u32string_view::npos;
  };
  for (std::size_t at = 0; at < text.size();) {
    const bool separator = splits(char_at(text, at).code);
    std::size_t end = at;
    while (end < text.size() && splits(char_at(text, end).code) == separator) end += char_at(text, end).bytes;
    const std::size_t first = at + char_at(text, at).bytes;
    out += upper(text.substr(at, first - at)) + lower(text.substr(first, end - first));
    at = end;
  }
  return call.make(std::move(out));
}

Value trim(Call& call) {
  const std::string text = call.self_text();
  std::optional<std::string> chars;
  if (call.has(0) && !call.value(0).is_none()) {
    chars = call.text(0).bytes;
    call.run.steps(static_cast<std::int64_t>(text.size() / 64 * chars->size()));
  }
  return call.make(std::string(strip(text, Side::kBoth, chars)));
}

Value replace_filter(Call& call) {
  const std::int64_t most = call.has(2) && !call.value(2).is_none() ? call.integer(2, -1) : -1;
  return call.make(
      replace(call.run, call.self_text(), str(call.run, call.value(0)), str(call.run, call.value(1)), most));
}

Value indent(Call& call) {
  const std::string text = self_string(call).bytes + "\n";
  const std::string indention = call.has(0) && call.value(0).is_string()
                                    ? call.text(0).bytes
                                    : repeat(call.run, " ", call.integer(0, 4));
  const bool first = call.flag(1, false), blank = call.flag(2, false);
  const auto lines = split_lines(text, false);
  call.run.bytes(text.size());
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i == 0 ? first : (blank || !lines[i].empty())) {
      call.run.bytes(indention.size());
      out += indention;
    }
    out += lines[i];
  }
  return call.make(std::move(out));
}

Value truncate(Call& call) {
  const Text& text = self_string(call);
  const std::int64_t length = call.integer(0, 255),
                     leeway = call.has(3) && !call.value(3).is_none() ? call.integer(3, 5) : 5;
  const bool kill_words = call.flag(1, false);
  const Value end = call.value_or(2, Value::string("..."));
  if (!end.is_string()) call.run.fail("truncate wants a text as its end");
  if (length < end.text().length || leeway < 0)
    call.run.fail("truncate: expected length >= {}", end.text().length);
  if (text.length <= length || text.length - length <= leeway) return call.self;
  std::string head = text.bytes.substr(0, byte_place(text, length - end.text().length));
  if (!kill_words) {
    const std::size_t space = head.rfind(' ');
    if (space != std::string::npos) head.resize(space);
  }
  return call.make(head + end.bytes());
}

Value wordcount(Call& call) {
  const std::string text = call.self_text();
  std::int64_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size(); at += char_at(text, at).bytes) {
    const char32_t code = char_at(text, at).code;
    const bool word = code == '_' || is_alpha(code) || is_number(code);
    count += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::integer(count);
}

Value center(Call& call) {
  const std::string text = call.self_text();
  const std::int64_t width = call.integer(0, 80), length = static_cast<std::int64_t>(count_chars(text));
  const std::int64_t room = std::max<std::int64_t>(width - length, 0), left = room / 2 + (room & width & 1);
  return call.make(pad(call.run, text, left, room - left, " "));
}

Value escape(Call& call) {
  if (call.self.is_string() && call.self.text().markup) return call.self;
  return Value::string(escape_html(call.run, call.self_text()), true);
}

// Tags and comments go, entities become characters, white space runs become one space.
Value striptags(Call& call) {
  std::string text = call.self_text();
  for (const auto& [open, close] : {std::pair<const char*, const char*>{"<!--", "-->"}, {"<", ">"}}) {
    std::string kept;
    std::size_t at = 0;
    for (std::size_t begin = text.find(open); begin != std::string::npos; begin = text.find(open, at)) {
      const std::size_t end = text.find(close, begin);
      if (end == std::string::npos) break;
      kept += text.substr(at, begin - at);
      at = end + std::string_view(close).size();
    }
    text = kept + text.substr(at);
  }
  std::string out;
  for (const std::string_view word : split(text, std::nullopt, -1, false)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  for (const auto& [entity, byte] : {std::pair<const char*, const char*>{"&lt;", "<"},
                                     {"&gt;", ">"},
                                     {"&#34;", "\""},
                                     {"&quot;", "\""},
                                     {"&#39;", "'"},
                                     {"&amp;", "&"}})
    out = replace(call.run, out, entity, byte, -1);
  return call.make(std::move(out));
}

Value urlencode(Call& call) {
  const auto quote = [&](const std::string& text, bool query) {
    std::string out;
    for (const char byte : text) {
      const auto code = static_cast<unsigned char>(byte);
      const bool plain = (code < 0x80 && std::isalnum(code) != 0) ||
                         std::string_view("_.-~").find(byte) != std::string_view::npos ||
                         (byte == '/' && !query);
      if (plain)
        out += byte;
      else if (byte == ' ' && query)
        out += '+';
      else
        out += fmt::format("%{:02X}", code);
    }
    return out;
  };
  if (call.self.is_string() || !is_iterable(call.self)) return call.make(quote(call.self_text(), false));
  std::string out;
  const auto add = [&](const Value& key, const Value& value) {
    if (!out.empty()) out += '&';
    out += quote(str(call.run, key), true) + "=" + quote(str(call.run, value), true);
  };
  if (call.self.is(Kind::kDict)) {
    for (const auto& [key, value] : call.self.dict_object().items) add(key, value);
    return call.make(std::move(out));
  }
  for (const Value& pair : iterate(call.run, call.self)) {
    const std::vector<Value> parts = iterate(call.run, pair);
    if (parts.size() != 2) call.run.fail("urlencode wants pairs");
    add(parts[0], parts[1]);
  }
  return call.make(std::move(out));
}

Value xmlattr(Call& call) {
  if (!call.self.is(Kind::kDict)) call.run.fail("xmlattr wants a mapping, not '{}'", type_name(call.self));
  std::string out;
  for (const auto& [key, value] : call.self.dict_object().items) {
    if (value.is_none() || value.is_undefined()) continue;
    if (!key.is_string() || key.bytes().find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      call.run.fail("Invalid character in attribute name: {}", repr(call.run, key));
    const auto escaped = [&](const Value& part) {
      return part.is_string() && part.text().markup ? part.bytes()
                                                    : escape_html(call.run, str(call.run, part));
    };
    out += " " + escaped(key) + "=\"" + escaped(value) + "\"";
  }
  if (!call.flag(0, true) && !out.empty()) out.erase(0, 1);
  return call.make(std::move(out));
}

Value filesizeformat(Call& call) {
  const auto bytes = to_float(call.run, call.self);
  if (!bytes) call.run.fail("could not convert to a number");
  const bool binary = call.flag(0, false);
  const double base = binary ? 1024 : 1000;
  if (*bytes == 1) return call.make("1 Byte");
  if (*bytes < base) return call.make(fmt::format("{} Bytes", static_cast<std::int64_t>(*bytes)));
  double unit = base;
  for (const char prefix : std::string_view("kMGTPEZY")) {
    unit *= base;
    if (*bytes < unit || prefix == 'Y') {
      const char letter = prefix == 'k' && binary ? 'K' : prefix;
      return call.make(fmt::format("{:.1f} {}{}B", base * *bytes / unit, letter, binary ? "i" : ""));
    }
  }
  return {};
}

Value int_filter(Call& call) {
  require_defined(call);
  const auto base = call.integer(1, 10);
  const auto value = to_int(call.run, call.self, static_cast<int>(base));
  return value ? Value::integer(*value) : call.value_or(0, Value::integer(0));
}

Value float_filter(Call& call) {
  require_defined(call);
  const auto value = to_float(call.run, call.self);
  return value ? Value::number(*value) : call.value_or(0, Value::number(0));
}

Value round_filter(Call& call) {
  require_defined(call);
  if (!call.self.is_number()) call.run.fail("type {} doesn't define __round__ method", type_name(call.self));
  const std::int64_t precision = std::clamp<std::int64_t>(call.integer(0, 0), -400, 400);
  const std::string method = call.has(1) ? call.text(1).bytes : "common";
  if (method == "common") return round_number(call.run, call.self, precision);
  if (method != "ceil" && method != "floor") call.run.fail("method must be common, ceil or floor");
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = call.self.as_double() * scale;
  return Value::number((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value abs_filter(Call& call) {
  require_defined(call);
  if (!call.self.is_number()) call.run.fail("bad operand type for abs(): '{}'", type_name(call.self));
  if (call.self.is(Kind::kFloat)) return Value::number(std::abs(call.self.as_double()));
  return call.self.as_int() < 0 ? negate(call.run, call.self) : Value::integer(call.self.as_int());
}

Value default_filter(Call& call) {
  const bool missing = call.self.is_undefined() || (call.flag(1, false) && !truth(call.self));
  return missing ? call.value_or(0, Value::string("")) : call.self;
}

Value format_filter(Call& call) {
  const Value format = call.self.is_string() ? call.self : call.make(call.self_text());
  auto& arguments = call.arguments;
  if (!arguments.positional.empty() && !arguments.named.empty())
    call.run.fail("can't handle positional and keyword arguments at the same time");
  if (arguments.named.empty()) return percent_format(call.run, format, Value::tuple(arguments.positional));
  auto names = std::make_shared<Dict>();
  for (const auto& [name, value] : arguments.named) names->set(Value::string(name), value);
  return percent_format(call.run, format, make_dict(call.run, std::move(names)));
}

Value to_json_filter(Call& call) {
  JsonStyle style;
  style.ascii = call.flag(0, false);
  style.sort_keys = call.flag(3, false);
  if (call.has(1) && !call.value(1).is_none()) {
    style.indented = true;
    style.item_separator = ",";
    if (call.value(1).is_string())
      style.indent = call.value(1).bytes();
    else
      style.indent = repeat(call.run, " ", call.integer(1, 0));
  }
  if (call.has(2) && !call.value(2).is_none()) {
    const std::vector<Value> parts = iterate(call.run, call.value(2));
    if (parts.size() != 2 || !parts[0].is_string() || !parts[1].is_string())
      call.run.fail("the separators of tojson are two texts");
    style.item_separator = parts[0].bytes();
    style.key_separator = parts[1].bytes();
  }
  return call.make(to_json(call.run, call.self, style));
}

Value attr(Call& call) {
  require_defined(call);
  const std::string name = str(call.run, call.value(0));
  if (call.self.is(Kind::kDict) && find_method(call.self, name).builtin == nullptr)
    return Value::undefined(fmt::format("'dict object' has no attribute '{}'", name));
  return call.in.attribute(call.self, name);
}

constexpr Builtin kFilters[] = {
    {"abs", {}, abs_filter},
    {"attr", {"name"}, attr},
    {"capitalize", {}, [](Call& c) { return c.make(capitalize(c.self_text())); }},
    {"center", {"?width"}, center},
    {"default", {"?default_value", "?boolean"}, default_filter},
    {"escape", {}, escape},
    {"filesizeformat", {"?binary"}, filesizeformat},
    {"float", {"?default"}, float_filter},
    {"forceescape", {}, [](Call& c) { return Value::string(escape_html(c.run, c.self_text()), true); }},
    {"format", {"*"}, format_filter},
    {"indent", {"?width", "?first", "?blank"}, indent},
    {"int", {"?default", "?base"}, int_filter},
    {"lower", {}, [](Call& c) { return c.make(lower(c.self_text())); }},
    {"replace", {"old", "new", "?count"}, replace_filter},
    {"round", {"?precision", "?method"}, round_filter},
    {"safe", {}, [](Call& c) { return Value::string(c.self_text(), true); }},
    {"string", {}, [](Call& c) { return c.self.is_string() ? c.self : c.make(c.self_text()); }},
    {"striptags", {}, striptags},
    {"title", {}, title_filter},
    {"tojson", {"?ensure_ascii", "?indent", "?separators", "?sort_keys"}, to_json_filter},
    {"trim", {"?chars"}, trim},
    {"truncate", {"?length", "?killwords", "?end", "?leeway"}, truncate},
    {"upper", {}, [](Call& c) { return c.make(upper(c.self_text())); }},
    {"urlencode", {}, urlencode},
    {"wordcount", {}, wordcount},
    {"xmlattr", {"?autospace"}, xmlattr},
};

}  // namespace

const Builtin* find_filter(std::string_view name) {
  if (name == "d") name = "default";
  if (name == "e") name = "escape";
  if (name == "count") name = "length";
  const Builtin* found = find_builtin(kFilters, name);
  return found != nullptr ? found : find_builtin(list_filters(), name);
}

}  // namespace swiftlet::text::jinja
