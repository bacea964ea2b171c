// Tables with aligned columns, for the terminal and as Markdown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<std::string> cells);  // missing cells at the end are empty
  bool empty() const { return rows_.empty(); }

  std::string text() const;      // titles only where there is one; each line ends in "\n"
  std::string markdown() const;  // the same as a Markdown table

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns that a UTF-8 text takes on a terminal: combining marks none, East Asian wide characters two.
std::size_t display_width(std::string_view text);

}  // namespace swiftlet::cli
