// JSON out, as Python's json.dumps writes it, and in, by simdjson.
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "swiftlet/text/jinja_write.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& run, const JsonStyle& style) : run_(run), style_(style) {}
  void value(const Value& value);
  std::string text;

 private:
  void string(std::string_view bytes);
  void escape(char32_t code);
  void array(const std::vector<Value>& items);
  void object(const Dict& dict);
  std::string key(const Value& value);
  void new_line() {
    if (!style_.indented) return;
    text += '\n';
    for (int i = 0; i < level_; ++i) text += style_.indent;
  }
  void count() {
    run_.steps(1);
    run_.bytes(text.size() - counted_);
    counted_ = text.size();
  }

  Runtime& run_;
  const JsonStyle& style_;
  int level_ = 0;
  std::size_t counted_ = 0;
};

std::string json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return float_text(value);
}

void JsonWriter::escape(char32_t code) {
  if (code >= 0x10000) {
    escape(0xD800 + ((code - 0x10000) >> 10));
    code = 0xDC00 + ((code - 0x10000) & 0x3FF);
  }
  text += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
}

void JsonWriter::string(std::string_view bytes) {
  constexpr std::string_view kShort = "\"\\\n\r\t\f\b", kLetters = "\"\\nrtfb";
  run_.bytes(bytes.size());
  text += '"';
  for (std::size_t at = 0; at < bytes.size();) {
    const Char c = char_at(bytes, at);
    const std::size_t place = c.code < 0x80 ? kShort.find(static_cast<char>(c.code)) : std::string_view::npos;
    if (place != std::string_view::npos) {
      text += '\\';
      text += kLetters[place];
    } else if (c.code < 0x20 || (style_.ascii && c.code >= 0x7F && c.code != 0x7F)) {
      escape(c.code);
    } else {
      text += bytes.substr(at, c.bytes);
    }
    at += c.bytes;
  }
  text += '"';
}

void JsonWriter::array(const std::vector<Value>& items) {
  text += '[';
  ++level_;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += style_.item_separator;
    new_line();
    value(items[i]);
  }
  --level_;
  if (!items.empty()) new_line();
  text += ']';
}

std::string JsonWriter::key(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
      return value.bytes();
    case Kind::kNone:
      return "null";
    case Kind::kBool:
      return value.as_int() != 0 ? "true" : "false";
    case Kind::kInt:
      return std::to_string(value.as_int());
    case Kind::kFloat:
      return json_number(value.as_double());
    default:
      run_.fail("keys of JSON must be str, int, float, bool or None, not {}", type_name(value));
  }
}

void JsonWriter::object(const Dict& dict) {
  std::vector<const std::pair<Value, Value>*> items;
  run_.bytes(dict.items.size() * sizeof(void*));
  for (const auto& item : dict.items) items.push_back(&item);
  if (style_.sort_keys)
    std::stable_sort(items.begin(), items.end(),
                     [&](const auto* a, const auto* b) { return compare(run_, a->first, b->first) < 0; });
  text += '{';
  ++level_;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += style_.item_separator;
    new_line();
    string(key(items[i]->first));
    text += style_.key_separator;
    value(items[i]->second);
  }
  --level_;
  if (!items.empty()) new_line();
  text += '}';
}

void JsonWriter::value(const Value& value) {
  count();
  switch (value.kind()) {
    case Kind::kNone:
      text += "null";
      break;
    case Kind::kBool:
      text += value.as_int() != 0 ? "true" : "false";
      break;
    case Kind::kInt:
      text += std::to_string(value.as_int());
      break;
    case Kind::kFloat:
      text += json_number(value.as_double());
      break;
    case Kind::kString:
      string(value.bytes());
      break;
    case Kind::kList:
    case Kind::kTuple:
      array(value.items());
      break;
    case Kind::kDict:
      object(value.dict_object());
      break;
    default:
      run_.fail("Object of type {} is not JSON serializable", type_name(value));
  }
  count();
}

Value convert(simdjson::dom::element element, const std::string& where) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::NULL_VALUE:
      return Value::none();
    case Type::BOOL:
      return Value::boolean(bool(element));
    case Type::INT64:
      return Value::integer(std::int64_t(element));
    case Type::UINT64:
      return Value::number(static_cast<double>(std::uint64_t(element)));
    case Type::DOUBLE:
      return Value::number(double(element));
    case Type::STRING:
      return Value::string(std::string(std::string_view(element)));
    case Type::ARRAY: {
      std::vector<Value> items;
      for (simdjson::dom::element item : simdjson::dom::array(element)) items.push_back(convert(item, where));
      return Value::list(std::move(items));
    }
    case Type::OBJECT: {
      auto dict = std::make_shared<Dict>();
      for (const auto& field : simdjson::dom::object(element))
        dict->set(Value::string(std::string(field.key)), convert(field.value, where));
      return Value::dict(std::move(dict));
    }
  }
  fail(ErrorCode::kInvalid, where, "holds a value of an unknown kind");
}

}  // namespace

std::string to_json(Runtime& run, const Value& value, const JsonStyle& style) {
  JsonWriter writer(run, style);
  writer.value(value);
  return std::move(writer.text);
}

Value from_json(std::string_view json, const std::string& where) {
  simdjson::dom::parser parser;
  constexpr std::size_t kDepth = 128;
  simdjson::dom::element root;
  auto error = parser.allocate(std::max<std::size_t>(json.size(), 1), kDepth);
  if (!error) error = parser.parse(json.data(), json.size()).get(root);
  if (error) fail(ErrorCode::kInvalid, where, "is not valid JSON: {}", simdjson::error_message(error));
  return convert(root, where);
}

}  // namespace swiftlet::text::jinja
