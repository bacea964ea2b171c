#include "swiftlet/compress/prune/pattern.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

struct BlockName {
  std::string_view prefix;
  std::int64_t rows, columns;
};
constexpr BlockName kBlocks[] = {{"1x4:", 1, 4}, {"4x4:", 4, 4}, {"", 1, 1}};
constexpr std::string_view kBelow = "below:";

// The whole text; nullopt for anything but a number of the type.
template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || next != end) return std::nullopt;
  return value;
}

[[noreturn]] void fail_unknown(std::string_view text) {
  fail(ErrorCode::kUsage, "prune", "'{}' is no pattern: expected 50%, 2:4, 1x4:50%, 4x4:50% or below:0.01",
       text);
}

PrunePattern parse_ratio(std::string_view text) {
  for (const BlockName& block : kBlocks) {
    if (!text.starts_with(block.prefix)) continue;
    const std::string_view share = text.substr(block.prefix.size(), text.size() - block.prefix.size() - 1);
    const auto percent = number<double>(share);
    if (!percent) fail_unknown(text);
    if (!(*percent > 0 && *percent < 100))
      fail(ErrorCode::kUsage, "prune", "the ratio must be above 0% and below 100%, is {}%", share);
    return {.ratio = *percent / 100, .block_rows = block.rows, .block_columns = block.columns};
  }
  fail_unknown(text);
}

PrunePattern parse_below(std::string_view text) {
  const auto threshold = number<float>(text.substr(kBelow.size()));
  if (!threshold) fail_unknown(text);
  if (!(*threshold > 0 && std::isfinite(*threshold)))
    fail(ErrorCode::kUsage, "prune", "the threshold must be a positive number, is {}",
         text.substr(kBelow.size()));
  return {.kind = PrunePattern::Kind::kBelow, .threshold = *threshold};
}

PrunePattern parse_groups(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) fail_unknown(text);
  const auto keep = number<std::int64_t>(text.substr(0, colon)),
             group = number<std::int64_t>(text.substr(colon + 1));
  if (!keep || !group) fail_unknown(text);
  if (*keep < 1 || *keep >= *group || *group > PrunePattern::kMostGroup)
    fail(ErrorCode::kUsage, "prune", "of N:M, N must be at least 1 and below M, and M at most {}, is {}",
         PrunePattern::kMostGroup, text);
  return {.kind = PrunePattern::Kind::kGroups, .keep = *keep, .group = *group};
}

}  // namespace

PrunePattern parse_prune_pattern(std::string_view text) {
  if (text.ends_with('%')) return parse_ratio(text);
  if (text.starts_with(kBelow)) return parse_below(text);
  return parse_groups(text);
}

std::string to_string(const PrunePattern& pattern) {
  switch (pattern.kind) {
    case PrunePattern::Kind::kGroups:
      return fmt::format("{}:{}", pattern.keep, pattern.group);
    case PrunePattern::Kind::kBelow:
      return fmt::format("{}{}", kBelow, pattern.threshold);
    case PrunePattern::Kind::kRatio:
      break;
  }
  for (const BlockName& block : kBlocks)
    if (block.rows == pattern.block_rows && block.columns == pattern.block_columns)
      return fmt::format("{}{:.12g}%", block.prefix, 100 * pattern.ratio);
  return "";
}

void check_pattern(const PrunePattern& pattern, const Weight& weight) {
  const bool groups = pattern.kind == PrunePattern::Kind::kGroups;
  const std::int64_t columns = groups ? pattern.group : pattern.block_columns;
  if (weight.shape[1] % columns != 0)
    fail(ErrorCode::kUnsupported, weight.name, "pruning by {} wants a multiple of {} columns, this has {}",
         to_string(pattern), columns, weight.shape[1]);
  if (weight.shape[0] % pattern.block_rows != 0)
    fail(ErrorCode::kUnsupported, weight.name, "pruning by {} wants a multiple of {} rows, this has {}",
         to_string(pattern), pattern.block_rows, weight.shape[0]);
}

}  // namespace swiftlet
