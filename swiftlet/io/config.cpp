#include "swiftlet/io/config.h"

#include <cmath>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{64} << 20;

std::string describe_range(std::int64_t min, std::int64_t max) {
  const bool lower = min != Config::kIntMin, upper = max != Config::kIntMax;
  if (min == 1 && !upper) return "a positive integer";
  if (lower && upper) return fmt::format("an integer from {} to {}", min, max);
  if (lower) return fmt::format("an integer of at least {}", min);
  if (upper) return fmt::format("an integer of at most {}", max);
  return "an integer";
}

std::string describe_range(double min, double max) {
  const bool lower = min != std::numeric_limits<double>::lowest();
  const bool upper = max != std::numeric_limits<double>::max();
  if (lower && upper) return fmt::format("a number from {} to {}", min, max);
  if (lower) return fmt::format("a number of at least {}", min);
  if (upper) return fmt::format("a number of at most {}", max);
  return "a number";
}

std::optional<std::int64_t> as_int(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(Config::kIntMax)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();  // 512.0 is an integer
  constexpr double kExact = 9007199254740992.0;
  if (number != std::floor(number) || std::abs(number) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<double> as_number(const nlohmann::json& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<std::string> as_string(const nlohmann::json& value) {
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

// The elements of a list, or the value itself as a list of one. nullopt when one is of another type.
template <class Convert>
auto as_list(const nlohmann::json& value, Convert convert)
    -> std::optional<std::vector<typename decltype(convert(value))::value_type>> {
  std::vector<typename decltype(convert(value))::value_type> list;
  const auto add = [&](const nlohmann::json& element) {
    auto converted = convert(element);
    if (converted) list.push_back(std::move(*converted));
    return converted.has_value();
  };
  if (!value.is_array()) return add(value) ? std::optional(std::move(list)) : std::nullopt;
  for (const auto& element : value)
    if (!add(element)) return std::nullopt;
  return list;
}

}  // namespace

Config::Config() : json_(std::make_shared<nlohmann::json>(nlohmann::json::object())), where_("config") {}

Config::Config(std::shared_ptr<const nlohmann::json> json, std::string where)
    : json_(std::move(json)), where_(std::move(where)) {}

Config Config::parse(std::string_view text, std::string where) {
  auto json = std::make_shared<nlohmann::json>(parse_json(text, where, {.bytes = kMaxConfigBytes}));
  require(json->is_object(), where, "expected a JSON object, got {}", excerpt(*json));
  return Config(std::move(json), std::move(where));
}

Config Config::load(const std::filesystem::path& path) {
  return parse(read_text_file(path, kMaxConfigBytes), path.string());
}

bool Config::given(std::string_view key) const {
  find(key);
  return json_->contains(key);
}

bool Config::empty() const {
  return json_->empty();
}

const nlohmann::json* Config::find(std::string_view key) const {
  if (read_) read_->insert(path_ + std::string(key));
  const auto found = json_->find(key);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

void Config::fail_value(std::string_view key, std::string_view expected) const {
  const nlohmann::json* value = find(key);
  fail(ErrorCode::kInvalid, fmt::format("{}: {}", where_, key), "expected {}, got {}", expected,
       value == nullptr ? "nothing" : excerpt(*value));
}

const nlohmann::json& Config::require_key(std::string_view key, std::string_view expected) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) fail_value(key, expected);
  return *value;
}

std::int64_t Config::require_int(std::string_view key, std::int64_t min, std::int64_t max) const {
  const auto number = as_int(require_key(key, describe_range(min, max)));
  if (!number || *number < min || *number > max) fail_value(key, describe_range(min, max));
  return *number;
}

std::int64_t Config::int_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                            std::int64_t max) const {
  return has(key) ? require_int(key, min, max) : fallback;
}

double Config::require_number(std::string_view key, double min, double max) const {
  const auto number = as_number(require_key(key, describe_range(min, max)));
  if (!number || *number < min || *number > max) fail_value(key, describe_range(min, max));
  return *number;
}

double Config::number_or(std::string_view key, double fallback, double min, double max) const {
  return has(key) ? require_number(key, min, max) : fallback;
}

bool Config::bool_or(std::string_view key, bool fallback) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fail_value(key, "true or false");
  return value->get<bool>();
}

std::string Config::require_string(std::string_view key) const {
  auto text = as_string(require_key(key, "a string"));
  if (!text) fail_value(key, "a string");
  return *std::move(text);
}

std::string Config::string_or(std::string_view key, std::string_view fallback) const {
  return has(key) ? require_string(key) : std::string(fallback);
}

std::vector<std::int64_t> Config::ints(std::string_view key) const {
  if (!has(key)) return {};
  auto list = as_list(*find(key), as_int);
  if (!list) fail_value(key, "an integer or a list of integers");
  return *std::move(list);
}

std::vector<double> Config::numbers(std::string_view key) const {
  if (!has(key)) return {};
  auto list = as_list(*find(key), as_number);
  if (!list) fail_value(key, "a number or a list of numbers");
  return *std::move(list);
}

std::vector<std::string> Config::strings(std::string_view key) const {
  if (!has(key)) return {};
  auto list = as_list(*find(key), as_string);
  if (!list) fail_value(key, "a string or a list of strings");
  return *std::move(list);
}

std::optional<Config> Config::section(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) fail_value(key, "an object");
  Config section(std::shared_ptr<const nlohmann::json>(json_, value), fmt::format("{}: {}", where_, key));
  section.read_ = read_;
  section.path_ = fmt::format("{}{}: ", path_, key);
  return section;
}

Config Config::recorded() const {
  Config copy = *this;
  copy.read_ = std::make_shared<std::set<std::string>>();
  copy.path_.clear();
  return copy;
}

namespace {

void collect_unread(const nlohmann::json& json, const std::string& path, const std::set<std::string>& read,
                    std::vector<std::string>& unread) {
  for (const auto& [key, value] : json.items()) {
    const std::string full = path + key, section = full + ": ";
    const auto inside = read.lower_bound(section);
    if (value.is_null()) continue;  // says nothing
    if (!read.contains(full))
      unread.push_back(full);
    else if (value.is_object() && inside != read.end() && inside->starts_with(section))
      collect_unread(value, section, read, unread);
  }
}

}  // namespace

std::vector<std::string> Config::unread() const {
  std::vector<std::string> unread;
  if (read_) collect_unread(*json_, path_, *read_, unread);
  return unread;
}

std::string Config::dump() const {
  return json_->dump();
}

}  // namespace swiftlet
