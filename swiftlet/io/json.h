// Parsing JSON from files that nobody vouches for: bounded size and depth, one-line errors with the place.
//
// For source files only: it brings in all of nlohmann::json. Headers use nlohmann/json_fwd.hpp.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace swiftlet {

struct JsonLimits {
  std::size_t bytes = std::size_t{256} << 20;
  int depth = 64;
};

// Throws kInvalid "[where] is not valid JSON at line 3, column 7" for malformed text (non-UTF-8 strings
// included), for deeper nesting and for longer texts than the limits allow.
nlohmann::json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits = {});

// The same error for callers that parse with a callback of their own.
[[noreturn]] void fail_json(std::string_view text, std::string_view where,
                            const nlohmann::json::parse_error& error);

// A value as it stands in the file, shortened to fit into a one-line message.
std::string excerpt(const nlohmann::json& value);
// Text with control and non-ASCII bytes escaped and shortened: names from broken files reach the terminal.
std::string printable(std::string_view text);

}  // namespace swiftlet
