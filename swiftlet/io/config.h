// Config: a read-only JSON object that remembers the file it came from.
//
// Every getter names file and key in its errors: [config.json: hidden_size] expected an integer, got "abc".
// A key whose value is null counts as missing, as in transformers. Copies share the document; any thread may
// read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet {

class Config {
 public:
  Config();  // an empty object
  // Throws kInvalid when the text is not JSON or not an object. `where` stands in all later errors.
  static Config parse(std::string_view text, std::string where);
  // Reads a file of at most 64 MB. Throws as map_file and parse.
  static Config load(const std::filesystem::path& path);

  const std::string& where() const { return where_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // Whether the key is there at all, be it null.
  bool given(std::string_view key) const;
  bool empty() const;

  static constexpr std::int64_t kIntMin = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kIntMax = std::numeric_limits<std::int64_t>::max();

  // Integers in [min, max]. A number with a fraction is refused.
  std::int64_t require_int(std::string_view key, std::int64_t min = kIntMin,
                           std::int64_t max = kIntMax) const;
  std::int64_t int_or(std::string_view key, std::int64_t fallback, std::int64_t min = kIntMin,
                      std::int64_t max = kIntMax) const;
  // Finite numbers in [min, max].
  double require_number(std::string_view key, double min = std::numeric_limits<double>::lowest(),
                        double max = std::numeric_limits<double>::max()) const;
  double number_or(std::string_view key, double fallback, double min = std::numeric_limits<double>::lowest(),
                   double max = std::numeric_limits<double>::max()) const;
  bool bool_or(std::string_view key, bool fallback) const;
  std::string require_string(std::string_view key) const;
  std::string string_or(std::string_view key, std::string_view fallback) const;
  // One integer or a list of them (eos_token_id is either); empty when missing.
  std::vector<std::int64_t> ints(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  std::vector<std::string> strings(std::string_view key) const;
  // A nested object; its where() is "config.json: rope_parameters". nullopt when missing.
  std::optional<Config> section(std::string_view key) const;

  // Throws kInvalid "[config.json: key] expected <expected>, got <value>".
  [[noreturn]] void fail_value(std::string_view key, std::string_view expected) const;

  // A copy that notes which keys are asked for, in its sections too; one thread at a time.
  Config recorded() const;
  // The keys that nobody asked a recorded config for, those of sections that were asked for as
  // "rope_scaling: factor".
  std::vector<std::string> unread() const;

  std::string dump() const;  // compact JSON
  const nlohmann::json& json() const { return *json_; }

 private:
  Config(std::shared_ptr<const nlohmann::json> json, std::string where);
  const nlohmann::json* find(std::string_view key) const;
  const nlohmann::json& require_key(std::string_view key, std::string_view expected) const;

  std::shared_ptr<const nlohmann::json> json_;
  std::string where_;
  std::shared_ptr<std::set<std::string>> read_;  // null: not recorded
  std::string path_;                             // of a section within what is recorded: "rope_scaling: "
};

}  // namespace swiftlet
