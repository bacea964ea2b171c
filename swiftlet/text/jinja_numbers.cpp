#include "swiftlet/text/jinja_numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "swiftlet/text/jinja_strings.h"

namespace swiftlet::text::jinja {
namespace {

// Underscores stand between digits only.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto digit = [&](std::size_t place) {
      return place < text.size() && std::isalnum(static_cast<unsigned char>(text[place])) != 0;
    };
    if (i == 0 || !digit(i - 1) || !digit(i + 1)) return std::nullopt;
  }
  return out;
}

std::optional<std::int64_t> parse_int(Runtime& run, std::string_view source, int base) {
  const auto plain = without_underscores(strip(source, Side::kBoth, std::nullopt));
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view text = *plain;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  const char letter = text.size() > 2 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
  const int marked = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (marked != 0 && (base == marked || base == 0)) {
    text.remove_prefix(2);
    base = marked;
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36 || text.empty() || text.front() == '-') return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (result.ptr != text.data() + text.size()) return std::nullopt;
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (result.ec != std::errc() || value > most) run.fail("an integer needs more than 64 bits");
  return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

std::optional<double> parse_float(std::string_view source) {
  const auto plain = without_underscores(strip(source, Side::kBoth, std::nullopt));
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view text = *plain;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.front() == '-' || text.front() == '+') return std::nullopt;
  if (text.find('(') != std::string_view::npos) return std::nullopt;  // nan(...)
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ptr != text.data() + text.size()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) value = std::strtod(std::string(text).c_str(), nullptr);
  return negative ? -value : value;
}

}  // namespace

std::optional<double> to_float(Runtime& run, const Value& value) {
  run.steps(1);
  if (value.is_number()) return value.as_double();
  if (value.is_string()) return parse_float(value.bytes());
  return std::nullopt;
}

std::optional<std::int64_t> to_int(Runtime& run, const Value& value, int base) {
  if (value.is_integral()) return value.as_int();
  if (value.is_string())
    if (const auto whole = parse_int(run, value.bytes(), base)) return whole;
  const auto number = to_float(run, value);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  if (std::abs(*number) >= 9.2e18) run.fail("an integer needs more than 64 bits");
  return static_cast<std::int64_t>(*number);
}

Value round_number(Runtime& run, const Value& value, std::int64_t precision) {
  if (value.is_integral() && precision >= 0) return Value::integer(value.as_int());
  const double number = value.as_double();
  if (!std::isfinite(number)) return value;
  if (precision >= 0) {
    // The decimal that printf rounds to is the nearest one, halves to even, exactly as Python does it.
    return Value::number(
        precision > 350
            ? number
            : std::strtod(fmt::format("{:.{}f}", number, static_cast<int>(precision)).c_str(), nullptr));
  }
  if (precision < -18) return value.is_integral() ? Value::integer(0) : Value::number(0);
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  const double rounded = std::nearbyint(number / scale) * scale;
  if (!value.is_integral()) return Value::number(rounded);
  if (std::abs(rounded) >= 9.2e18) run.fail("an integer needs more than 64 bits");
  return Value::integer(static_cast<std::int64_t>(rounded));
}

}  // namespace swiftlet::text::jinja
