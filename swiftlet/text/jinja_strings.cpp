#include "swiftlet/text/jinja_strings.h"

#include <algorithm>
#include <limits>

#include "swiftlet/text/jinja_case.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text::jinja {
namespace {

std::int64_t bound(Runtime& run, const Value& value, std::int64_t fallback) {
  if (value.is_none()) return fallback;
  if (!value.is_integral()) run.fail("slice indices must be integers or None");
  return value.as_int();
}

// `code` of a \x, \u, \U or octal escape.
void append_code(Runtime& run, std::string& out, std::uint64_t code) {
  if (code > 0x10FFFF) run.fail("illegal Unicode character in a text");
  append_utf8(out, code >= 0xD800 && code < 0xE000 ? kReplacementCharacter : static_cast<char32_t>(code));
}

int hex_value(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const char letter = static_cast<char>(byte | 0x20);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool in_set(char32_t code, std::optional<std::string_view> chars) {
  if (!chars) return is_space(code);
  for (std::size_t at = 0; at < chars->size(); at += char_at(*chars, at).bytes)
    if (char_at(*chars, at).code == code) return true;
  return false;
}

std::vector<std::string_view> split_space(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> parts;
  for (;;) {
    text = strip(text, Side::kLeft, std::nullopt);
    if (text.empty()) return parts;
    if (most >= 0 && std::ssize(parts) >= most) {
      parts.push_back(text);
      return parts;
    }
    std::size_t end = 0;
    while (end < text.size() && !is_space(char_at(text, end).code)) end += char_at(text, end).bytes;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::vector<std::string_view> split_space_right(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> parts;
  for (;;) {
    text = strip(text, Side::kRight, std::nullopt);
    if (text.empty()) break;
    if (most >= 0 && std::ssize(parts) >= most) {
      parts.push_back(text);
      break;
    }
    std::size_t start = text.size();
    while (start > 0 && !is_space(char_before(text, start).code)) start -= char_before(text, start).bytes;
    parts.push_back(text.substr(start));
    text = text.substr(0, start);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

bool all_space(std::string_view text) {
  return strip(text, Side::kLeft, std::nullopt).empty();
}

std::string unescape(Runtime& run, std::string_view text) {
  constexpr std::string_view kLetters = "\\'\"abfnrtv", kBytes = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char letter = text[++i];
    const int wide = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (const std::size_t place = kLetters.find(letter); place != std::string_view::npos) {
      out += kBytes[place];
    } else if (wide > 0) {
      std::uint64_t code = 0;
      for (int digit = 0; digit < wide; ++digit) {
        const int value = ++i < text.size() ? hex_value(text[i]) : -1;
        if (value < 0) run.fail("truncated \\{} escape in a text", letter);
        code = code * 16 + static_cast<std::uint64_t>(value);
      }
      append_code(run, out, code);
    } else if (letter >= '0' && letter <= '7') {
      std::uint64_t code = static_cast<std::uint64_t>(letter - '0');
      for (int digit = 0; digit < 2 && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '7';
           ++digit)
        code = code * 8 + static_cast<std::uint64_t>(text[++i] - '0');
      append_code(run, out, code);
    } else if (letter == 'N') {
      run.fail("names of characters are not known here; write the character itself");
    } else if (letter != '\n') {  // a newline is joined; all else stays as it stands
      out += '\\';
      out += letter;
    }
  }
  return out;
}

std::size_t byte_place(const Text& text, std::int64_t index) {
  if (text.ascii()) return static_cast<std::size_t>(index);
  std::size_t at = 0;
  for (; index > 0 && at < text.bytes.size(); --index) at += char_at(text.bytes, at).bytes;
  return at;
}

std::int64_t char_place(const Text& text, std::size_t byte) {
  if (text.ascii()) return static_cast<std::int64_t>(byte);
  return static_cast<std::int64_t>(count_chars(std::string_view(text.bytes).substr(0, byte)));
}

Slice resolve_slice(Runtime& run, const Value& start, const Value& stop, const Value& step,
                    std::int64_t length) {
  Slice slice;
  slice.step = bound(run, step, 1);
  if (slice.step == 0) run.fail("slice step cannot be zero");
  const bool back = slice.step < 0;
  const auto clamp = [&](std::int64_t index) {
    if (index < 0) index = index < -length ? (back ? -1 : 0) : index + length;
    return std::min(index, back ? length - 1 : length);
  };
  slice.start = clamp(bound(run, start, back ? std::numeric_limits<std::int64_t>::max() : 0));
  std::int64_t end = back ? -1 : length;
  if (!stop.is_none()) end = clamp(bound(run, stop, 0));
  const std::uint64_t stride =
      back ? 0 - static_cast<std::uint64_t>(slice.step) : static_cast<std::uint64_t>(slice.step);
  const std::int64_t span = back ? slice.start - end : end - slice.start;
  if (span > 0) slice.count = static_cast<std::int64_t>((static_cast<std::uint64_t>(span) - 1) / stride) + 1;
  return slice;
}

std::string slice_text(Runtime& run, const Text& text, const Slice& slice) {
  run.steps(static_cast<std::int64_t>(text.bytes.size() / 64));
  if (slice.count == 0) return {};
  if (slice.step == 1) {
    const std::size_t begin = byte_place(text, slice.start);
    return text.bytes.substr(begin, byte_place(text, slice.start + slice.count) - begin);
  }
  run.bytes(text.bytes.size() * 4);
  std::u32string codes;
  for (std::size_t at = 0; at < text.bytes.size(); at += char_at(text.bytes, at).bytes)
    codes += char_at(text.bytes, at).code;
  std::string out;
  for (std::int64_t i = 0; i < slice.count; ++i)
    append_utf8(out, codes[static_cast<std::size_t>(slice.start + i * slice.step)]);
  return out;
}

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> chars) {
  while (side != Side::kRight && !text.empty() && in_set(char_at(text, 0).code, chars))
    text.remove_prefix(char_at(text, 0).bytes);
  while (side != Side::kLeft && !text.empty() && in_set(char_before(text, text.size()).code, chars))
    text.remove_suffix(char_before(text, text.size()).bytes);
  return text;
}

std::vector<std::string_view> split(std::string_view text, std::optional<std::string_view> separator,
                                    std::int64_t most, bool from_right) {
  if (!separator) return from_right ? split_space_right(text, most) : split_space(text, most);
  std::vector<std::string_view> parts;
  while (most < 0 || std::ssize(parts) < most) {
    const std::size_t place = from_right ? text.rfind(*separator) : text.find(*separator);
    if (place == std::string_view::npos) break;
    const std::size_t behind = place + separator->size();
    parts.push_back(from_right ? text.substr(behind) : text.substr(0, place));
    text = from_right ? text.substr(0, place) : text.substr(behind);
  }
  parts.push_back(text);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  const auto ends_line = [](char32_t code) {
    return (code >= '\n' && code <= '\r') || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
           code == 0x2028 || code == 0x2029;
  };
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    std::size_t next = at + c.bytes;
    if (ends_line(c.code)) {
      if (c.code == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(start, (keep_ends ? next : at) - start));
      start = next;
    }
    at = next;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::string replace(Runtime& run, std::string_view text, std::string_view old, std::string_view by,
                    std::int64_t most) {
  std::vector<std::size_t> places;
  const auto full = [&] { return most >= 0 && std::ssize(places) >= most; };
  if (old.empty()) {  // between all characters
    for (std::size_t at = 0; at <= text.size() && !full();
         at += at < text.size() ? char_at(text, at).bytes : 1)
      places.push_back(at);
  } else {
    for (std::size_t at = text.find(old); at != std::string_view::npos && !full();
         at = text.find(old, at + old.size()))
      places.push_back(at);
  }
  run.steps(static_cast<std::int64_t>(places.size() + text.size() / 64));
  const std::size_t limit = std::size_t{1} << 40;
  run.bytes(text.size());
  if (!by.empty()) {
    if (places.size() > limit / by.size()) run.fail("the template makes more text than is allowed");
    run.bytes(places.size() * by.size());
  }
  std::string out;
  std::size_t done = 0;
  for (const std::size_t place : places) {
    out += text.substr(done, place - done);
    out += by;
    done = place + old.size();
  }
  out += text.substr(std::min(done, text.size()));
  return out;
}

std::string repeat(Runtime& run, std::string_view text, std::int64_t times) {
  if (times <= 0 || text.empty()) return {};
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (times > kMost / std::ssize(text)) run.fail("the template makes more text than is allowed");
  run.bytes(text.size() * static_cast<std::size_t>(times));
  std::string out;
  out.reserve(text.size() * static_cast<std::size_t>(times));
  for (std::int64_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string pad(Runtime& run, std::string_view text, std::int64_t left, std::int64_t right,
                std::string_view fill) {
  run.bytes(text.size());
  return repeat(run, fill, left) + std::string(text) + repeat(run, fill, right);
}

std::string escape_html(Runtime& run, std::string_view text) {
  run.bytes(text.size() * 5);
  std::string out;
  for (const char byte : text) {
    switch (byte) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += byte;
    }
  }
  return out;
}

}  // namespace swiftlet::text::jinja
