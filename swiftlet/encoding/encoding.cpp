#include "swiftlet/encoding/encoding.h"

#include <charconv>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

struct Name {
  Format format;
  std::string_view text;
};
constexpr Name kNames[] = {{Format::kF32, "f32"},   {Format::kF16, "f16"},   {Format::kBF16, "bf16"},
                           {Format::kInt8, "int8"}, {Format::kInt4, "int4"}, {Format::kQ4K, "q4_k"},
                           {Format::kQ5K, "q5_k"},  {Format::kQ6K, "q6_k"},  {Format::kQ50, "q5_0"},
                           {Format::kQ4R, "q4_r"}};

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<int> parse_group(std::string_view digits) {
  int group = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), group);
  if (error != std::errc() || end != digits.data() + digits.size() || group <= 0 || digits[0] == '0')
    return std::nullopt;
  return group;
}

}  // namespace

std::string to_string(const Encoding& encoding) {
  std::string text;
  for (const Name& name : kNames)
    if (name.format == encoding.format) text = name.text;
  if (encoding.group > 0) text += fmt::format("-g{}", encoding.group);
  if (encoding.asymmetric) text += "-asym";
  return text;
}

std::optional<Encoding> parse_encoding(std::string_view text) {
  Encoding encoding;
  encoding.asymmetric = take_suffix(text, "-asym");
  const std::size_t dash = text.find("-g");
  if (dash != std::string_view::npos) {
    const std::optional<int> group = parse_group(text.substr(dash + 2));
    if (!group) return std::nullopt;
    encoding.group = *group;
    text = text.substr(0, dash);
  }
  for (const Name& name : kNames) {
    if (name.text != text) continue;
    encoding.format = name.format;
    const bool takes_groups = encoding.is_integer() && !encoding.has_blocks();
    if (!takes_groups && (encoding.group > 0 || encoding.asymmetric)) return std::nullopt;
    return encoding;
  }
  return std::nullopt;
}

}  // namespace swiftlet
