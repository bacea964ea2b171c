#include "swiftlet/text/json_view.h"

#include <nlohmann/json.hpp>

#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

constexpr std::size_t kMaxDepth = 128;

std::string_view type_name(simdjson::dom::element value) {
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "an array";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::STRING:
      return "a string";
    case simdjson::dom::element_type::BOOL:
      return "a boolean";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

// simdjson does not say where a document is broken, nlohmann does: only asked when loading has failed anyway.
std::string syntax_error_place(std::string_view text) {
  struct Finder : nlohmann::json_sax<nlohmann::json> {
    std::size_t position = 0;
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
      position = at;
      return false;
    }
  } finder;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &finder)) return "";
  return fmt::format(" near byte {}", finder.position);
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "\"";
  std::size_t at = 0;
  while (at < text.size() && at < kMost) {
    const Utf8Piece piece = next_utf8_piece(text, at);
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (!piece.valid || byte < 0x20 || byte == 0x7F) {
      for (std::size_t i = 0; i < piece.bytes; ++i)
        out += fmt::format("\\x{:02X}", static_cast<std::uint8_t>(text[at + i]));
    } else {
      out.append(text, at, piece.bytes);
    }
    at += piece.bytes;
  }
  return out + (at < text.size() ? "...\"" : "\"");
}

JsonDocument::JsonDocument(std::string_view text, std::string file) : file_(std::move(file)) {
  simdjson::error_code error = parser_.allocate(std::max<std::size_t>(text.size(), 64), kMaxDepth);
  if (!error) error = parser_.parse(text.data(), text.size(), true).get(root_);
  if (error == simdjson::DEPTH_ERROR)
    fail(ErrorCode::kInvalid, file_, "expected JSON at most {} levels deep, came deeper", kMaxDepth);
  if (error)
    fail(ErrorCode::kInvalid, file_, "expected JSON, came something else{}: {}", syntax_error_place(text),
         simdjson::error_message(error));
}

std::string JsonView::where() const {
  return place_.empty() ? *file_ : fmt::format("{}: {}", *file_, place_);
}

void JsonView::wrong_type(std::string_view expected) const {
  invalid("expected {}, came {}", expected, type_name(value_));
}

JsonView JsonView::item(std::size_t index, simdjson::dom::element value) const {
  return {value, *file_, fmt::format("{}[{}]", place_, index)};
}

JsonView JsonView::member(std::string_view key, simdjson::dom::element value) const {
  bool plain = !key.empty();
  for (char c : key) plain = plain && (std::isalnum(static_cast<unsigned char>(c)) || c == '_');
  if (!plain) return {value, *file_, fmt::format("{}[{}]", place_, shown(key))};
  return {value, *file_, place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key)};
}

std::optional<JsonView> JsonView::find(std::string_view key) const {
  simdjson::dom::element value;
  if (object().at_key(key).get(value) || value.is_null()) return std::nullopt;
  return member(key, value);
}

JsonView JsonView::at(std::string_view key) const {
  std::optional<JsonView> found = find(key);
  if (!found) invalid("expected a member {}, there is none", shown(key));
  return *std::move(found);
}

simdjson::dom::array JsonView::array() const {
  simdjson::dom::array result;
  if (value_.get(result)) wrong_type("an array");
  return result;
}

simdjson::dom::object JsonView::object() const {
  simdjson::dom::object result;
  if (value_.get(result)) wrong_type("an object");
  return result;
}

std::string_view JsonView::string() const {
  std::string_view result;
  if (value_.get(result)) wrong_type("a string");
  return result;
}

bool JsonView::boolean() const {
  bool result = false;
  if (value_.get(result)) wrong_type("a boolean");
  return result;
}

double JsonView::number() const {
  double result = 0;
  if (value_.get(result)) wrong_type("a number");
  return result;
}

std::int64_t JsonView::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t result = 0;
  if (value_.get(result)) {
    if (!value_.is_number()) wrong_type("an integer");
    invalid("expected an integer from {} to {}, came {}", low, high, shown(simdjson::minify(value_)));
  }
  if (result < low || result > high) invalid("expected an integer from {} to {}, came {}", low, high, result);
  return result;
}

char32_t JsonView::character() const {
  const std::string_view text = string();
  if (text.empty() || char_at(text, 0).bytes != text.size())
    invalid("expected one character, came {}", shown(text));
  return char_at(text, 0).code;
}

bool JsonView::boolean_or(std::string_view key, bool fallback) const {
  const std::optional<JsonView> found = find(key);
  return found ? found->boolean() : fallback;
}

std::string_view JsonView::string_or(std::string_view key, std::string_view fallback) const {
  const std::optional<JsonView> found = find(key);
  return found ? found->string() : fallback;
}

}  // namespace swiftlet::text
