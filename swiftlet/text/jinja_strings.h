// Python's work on texts, by code points: slices, stripping, splitting, searching.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/jinja_value.h"

namespace swiftlet::text::jinja {

bool all_space(std::string_view text);
// \n, \x41, \u4e2d, ...: what stands between the quotes of a literal, with its escapes resolved.
std::string unescape(Runtime& run, std::string_view text);

// The byte where code point `index` (0 ... length) begins.
std::size_t byte_place(const Text& text, std::int64_t index);
std::int64_t char_place(const Text& text, std::size_t byte);

// [start:stop:step] as Python applies it to a length: the first index, the number of items, the step.
struct Slice {
  std::int64_t start = 0, count = 0, step = 1;
};
Slice resolve_slice(Runtime& run, const Value& start, const Value& stop, const Value& step,
                    std::int64_t length);
std::string slice_text(Runtime& run, const Text& text, const Slice& slice);

// `chars`: the set to take away; none: white space.
enum class Side { kLeft, kRight, kBoth };
std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> chars);

// split() and rsplit(): without a separator at runs of white space; `most` < 0: no limit. REQUIRES: a
// separator is not empty.
std::vector<std::string_view> split(std::string_view text, std::optional<std::string_view> separator,
                                    std::int64_t most, bool from_right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
// `most` < 0: all. Counts what comes out before it makes it.
std::string replace(Runtime& run, std::string_view text, std::string_view old, std::string_view by,
                    std::int64_t most);
std::string repeat(Runtime& run, std::string_view text, std::int64_t times);
// `text` in a field of `width` characters, with `left` of the padding on its left.
std::string pad(Runtime& run, std::string_view text, std::int64_t left, std::int64_t right,
                std::string_view fill);
std::string escape_html(Runtime& run, std::string_view text);

}  // namespace swiftlet::text::jinja
