#include "swiftlet/tasks/windows.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::tasks {
namespace {

void copy(const TokenizedText& from, std::size_t begin, std::size_t end, TokenizedText& to) {
  for (std::size_t i = begin; i < end; ++i)
    to.push(from.ids[i], from.offsets[i], from.type_ids[i], from.sources[i], from.words[i]);
}

}  // namespace

std::vector<Window> windows_of(const TokenizedText& whole, std::int8_t source, std::size_t most,
                               std::size_t overlap, std::string_view where) {
  const auto found = std::find(whole.sources.begin(), whole.sources.end(), source);
  const auto begin = static_cast<std::size_t>(found - whole.sources.begin());
  const auto count = static_cast<std::size_t>(std::count(found, whole.sources.end(), source));
  const std::size_t around = whole.size() - count;
  require(around < most || (around == most && count == 0), where,
          "{} tokens stand around the text already, at most {} are possible", around, most);
  if (whole.size() <= most) return {{whole, 0, begin, count}};
  const std::size_t room = most - around, step = room - std::min(overlap, room - 1);
  std::vector<Window> windows;
  for (std::size_t first = 0;; first += step) {
    Window& window = windows.emplace_back();
    window.first = first;
    window.place = begin;
    window.count = std::min(room, count - first);
    copy(whole, 0, begin, window.text);
    copy(whole, begin + first, begin + first + window.count, window.text);
    copy(whole, begin + count, whole.size(), window.text);
    if (first + window.count == count) return windows;
  }
}

std::size_t CharacterCounter::count_to(std::size_t byte) {
  byte = std::min(byte, text_.size());
  for (; byte_ < byte; ++byte_) characters_ += text::is_continuation_byte(text_[byte_]) ? 0 : 1;
  for (; byte_ > byte; --byte_) characters_ -= text::is_continuation_byte(text_[byte_ - 1]) ? 0 : 1;
  return characters_;
}

TextRange CharacterCounter::range(std::size_t begin, std::size_t end) {
  TextRange range{.begin = begin, .end = end};
  range.begin_character = count_to(begin);
  range.end_character = count_to(end);
  return range;
}

}  // namespace swiftlet::tasks
