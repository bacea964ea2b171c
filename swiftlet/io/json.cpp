#include "swiftlet/io/json.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {

nlohmann::json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  require(text.size() <= limits.bytes, where, "is {} bytes of JSON, at most {} are read", text.size(),
          limits.bytes);
  const auto check_depth = [&](int depth, nlohmann::json::parse_event_t event, const nlohmann::json&) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start)
      require(depth < limits.depth, where, "is JSON nested deeper than {} levels", limits.depth);
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), check_depth);
  } catch (const nlohmann::json::parse_error& error) {
    fail_json(text, where, error);
  } catch (const nlohmann::json::exception& error) {  // numbers beyond the range of a double
    fail(ErrorCode::kInvalid, where, "is not valid JSON: {}", printable(error.what()));
  }
}

void fail_json(std::string_view text, std::string_view where, const nlohmann::json::parse_error& error) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    fail(ErrorCode::kInvalid, where, "is empty, expected JSON");
  const std::size_t offset = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  if (offset >= text.size())
    fail(ErrorCode::kInvalid, where, "is not valid JSON: it ends too early, at line {}", line);
  fail(ErrorCode::kInvalid, where, "is not valid JSON at line {}, column {}", line, offset - line_start + 1);
}

std::string excerpt(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return value.empty() ? "an empty list" : "a list";
  const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLimit = 200;
  std::string out;
  for (const char c : text.substr(0, kLimit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", byte);
  }
  if (text.size() > kLimit) out += "...";
  return out;
}

}  // namespace swiftlet
