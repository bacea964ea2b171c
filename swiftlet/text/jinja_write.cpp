#include "swiftlet/text/jinja_write.h"

#include <array>
#include <charconv>
#include <cmath>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

// Text that grows inside the budget: what is written is counted in pieces.
class Writer {
 public:
  explicit Writer(Runtime& run) : run_(run) {}
  void value(const Value& value);
  std::string text;

 private:
  void items(const Value& value, const char* open, const char* close);
  void dict(const Dict& dict);
  void count() {
    run_.steps(1);
    if (text.size() < counted_) return;
    run_.bytes(text.size() - counted_ + kPiece);
    counted_ = text.size() + kPiece;
  }
  static constexpr std::size_t kPiece = 256;
  Runtime& run_;
  std::size_t counted_ = 0;
};

void Writer::items(const Value& value, const char* open, const char* close) {
  text += open;
  const auto& list = value.items();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text += ", ";
    this->value(list[i]);
  }
  if (value.is(Kind::kTuple) && list.size() == 1) text += ',';
  text += close;
}

void Writer::dict(const Dict& dict) {
  text += '{';
  for (std::size_t i = 0; i < dict.items.size(); ++i) {
    if (i > 0) text += ", ";
    value(dict.items[i].first);
    text += ": ";
    value(dict.items[i].second);
  }
  text += '}';
}

void Writer::value(const Value& value) {
  count();
  switch (value.kind()) {
    case Kind::kUndefined:
      text += "Undefined";
      break;
    case Kind::kNone:
      text += "None";
      break;
    case Kind::kBool:
      text += value.as_int() != 0 ? "True" : "False";
      break;
    case Kind::kInt:
      text += std::to_string(value.as_int());
      break;
    case Kind::kFloat:
      text += float_text(value.as_double());
      break;
    case Kind::kString:
      run_.bytes(value.bytes().size());
      if (value.text().markup) text += "Markup(";
      append_quoted(text, value.bytes());
      if (value.text().markup) text += ')';
      break;
    case Kind::kList:
      items(value, "[", "]");
      break;
    case Kind::kTuple:
      items(value, "(", ")");
      break;
    case Kind::kRange:
      text += value.sequence_object().label;
      break;
    case Kind::kView:
      items(value, (value.sequence_object().label + "([").c_str(), "])");
      break;
    case Kind::kIterator:
      text += "<generator object>";
      break;
    case Kind::kDict:
      dict(value.dict_object());
      break;
    case Kind::kNamespace: {
      const Runtime::Level level(run_);  // it may hold itself
      text += "<Namespace ";
      dict(value.dict_object());
      text += '>';
      break;
    }
    case Kind::kCallable:
      text += value.callable_object().describe();
      break;
  }
  count();
}

void append_escape(std::string& out, char32_t code) {
  if (code < 0x100)
    out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(code));
  else if (code < 0x10000)
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
  else
    out += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(code));
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::scientific).ptr;
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const int exponent = std::stoi(std::string(scientific.substr(scientific.find('e') + 1)));
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  const auto fixed = std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::fixed).ptr;
  std::string text(buffer.data(), static_cast<std::size_t>(fixed - buffer.data()));
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

void append_quoted(std::string& out, std::string_view text) {
  const bool doubled = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  out += quote;
  for (std::size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    if (c.code == '\n') {
      out += "\\n";
    } else if (c.code == '\r') {
      out += "\\r";
    } else if (c.code == '\t') {
      out += "\\t";
    } else if (c.code == '\\' || c.code == static_cast<char32_t>(quote)) {
      out += '\\';
      out += static_cast<char>(c.code);
    } else if (is_printable(c.code)) {
      out += text.substr(at, c.bytes);
    } else {
      append_escape(out, c.code);
    }
    at += c.bytes;
  }
  out += quote;
}

std::string repr(Runtime& run, const Value& value) {
  Writer writer(run);
  writer.value(value);
  return std::move(writer.text);
}

std::string str(Runtime& run, const Value& value) {
  if (value.is_undefined()) return {};
  if (value.is_string()) {
    run.bytes(value.bytes().size());
    return value.bytes();
  }
  return repr(run, value);
}

}  // namespace swiftlet::text::jinja
