#include "swiftlet/graph/difference.h"

#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

#include "swiftlet/graph/print.h"

namespace swiftlet {
namespace {

// Takes a number off the front; nullopt where there is none.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool are_alike(std::string_view first, std::string_view second, double tolerance) {
  while (!first.empty() && !second.empty()) {
    const auto a = take_number(first), b = take_number(second);
    if (a.has_value() != b.has_value()) return false;
    if (a) {
      if (std::abs(*a - *b) > tolerance * std::max(std::abs(*a), std::abs(*b))) return false;
      continue;
    }
    if (first.front() != second.front()) return false;
    first.remove_prefix(1);
    second.remove_prefix(1);
  }
  return first.empty() && second.empty();
}

}  // namespace

std::optional<GraphDifference> first_difference(const Graph& first, const Graph& second, double tolerance) {
  std::istringstream lines(to_text(first)), others(to_text(second));
  while (true) {
    GraphDifference here;
    const bool more = static_cast<bool>(std::getline(lines, here.first));
    const bool others_more = static_cast<bool>(std::getline(others, here.second));
    if (!more && !others_more) return std::nullopt;
    if (more != others_more || !are_alike(here.first, here.second, tolerance)) return here;
  }
}

}  // namespace swiftlet
