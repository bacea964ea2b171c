// A read-only view of a JSON document that remembers where it stands, so that every complaint names the file
// and the place: "[tokenizer.json: model.merges[12]] expected a string, came a number".
//
// A JsonView is only valid while its JsonDocument lives. Values of wrong type, missing keys and numbers out
// of range throw swiftlet::Error (kInvalid).
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "swiftlet/core/error.h"

namespace swiftlet::text {

class JsonView {
 public:
  JsonView(simdjson::dom::element value, const std::string& file, std::string place)
      : value_(value), file_(&file), place_(std::move(place)) {}

  // The member `key`; fails when this is no object or has no such member.
  JsonView at(std::string_view key) const;
  // The member `key`, or nothing when it is missing or null.
  std::optional<JsonView> find(std::string_view key) const;
  JsonView item(std::size_t index, simdjson::dom::element value) const;
  JsonView member(std::string_view key, simdjson::dom::element value) const;

  simdjson::dom::array array() const;
  simdjson::dom::object object() const;
  std::string_view string() const;
  bool boolean() const;
  double number() const;
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  char32_t character() const;  // a string of exactly one character
  bool is_string() const { return value_.is_string(); }
  bool is_array() const { return value_.is_array(); }
  bool is_object() const { return value_.is_object(); }
  bool is_boolean() const { return value_.is_bool(); }

  bool boolean_or(std::string_view key, bool fallback) const;
  std::string_view string_or(std::string_view key, std::string_view fallback) const;

  // f(JsonView) for every item of an array.
  template <class F>
  void each(F&& f) const {
    std::size_t index = 0;
    for (simdjson::dom::element value : array()) f(item(index++, value));
  }

  template <class... Args>
  [[noreturn]] void invalid(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kInvalid, where(), fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kUnsupported, where(), fmt::format(format, std::forward<Args>(args)...));
  }
  std::string where() const;

 private:
  [[noreturn]] void wrong_type(std::string_view expected) const;

  simdjson::dom::element value_;
  const std::string* file_;
  std::string place_;
};

class JsonDocument {
 public:
  // Parses `text` (UTF-8 JSON, nesting at most 128 deep); `file` names it in errors.
  JsonDocument(std::string_view text, std::string file);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  JsonView root() const { return {root_, file_, ""}; }

 private:
  std::string file_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

// Text made fit for an error message: quoted, control characters escaped, cut after 60 bytes.
std::string shown(std::string_view text);

}  // namespace swiftlet::text
