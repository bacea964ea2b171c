#include "swiftlet/cli/table.h"

#include <algorithm>
#include <utility>

#include "swiftlet/core/one_line.h"

namespace swiftlet::cli {
namespace {

constexpr std::pair<char32_t, char32_t> kWide[] = {
    {0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr std::pair<char32_t, char32_t> kZero[] = {
    {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

template <std::size_t N>
bool within(const std::pair<char32_t, char32_t> (&ranges)[N], char32_t point) {
  return std::any_of(ranges, ranges + N,
                     [point](auto range) { return point >= range.first && point <= range.second; });
}

// The code point at `at`, which moves behind it; a stray byte counts as one character.
char32_t next_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int follow = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  char32_t point = follow == 0 ? lead : lead & (0x3Fu >> follow);
  for (int i = 0; i < follow && at < text.size() && (text[at] & 0xC0) == 0x80; ++i)
    point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  return point;
}

void append_padded(std::string& out, std::string_view cell, std::size_t width, Align align) {
  const std::size_t pad = width - std::min(width, display_width(cell));
  if (align == Align::kRight) out.append(pad, ' ');
  out += cell;
  if (align == Align::kLeft) out.append(pad, ' ');
}

std::string escape_markdown(std::string_view cell) {
  std::string out;
  for (const char c : cell) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = next_point(text, at);
    width += within(kZero, point) ? 0 : within(kWide, point) ? 2 : 1;
  }
  return width;
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = one_line(cell);  // names come from files
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::vector<std::string>> lines;
  if (std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return !c.title.empty(); })) {
    lines.emplace_back();
    for (const Column& column : columns_) lines.back().push_back(column.title);
  }
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& cells : lines)
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], display_width(cells[i]));
  std::string out;
  for (const auto& cells : lines) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line += "  ";
      append_padded(line, cells[i], widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string Table::markdown() const {
  std::string out = "|", rule = "|";
  for (const Column& column : columns_) {
    out += " " + escape_markdown(column.title) + " |";
    rule += column.align == Align::kRight ? "---:|" : "---|";
  }
  out += "\n" + rule + "\n";
  for (const auto& cells : rows_) {
    out += "|";
    for (const std::string& cell : cells) out += " " + escape_markdown(cell) + " |";
    out += "\n";
  }
  return out;
}

}  // namespace swiftlet::cli
