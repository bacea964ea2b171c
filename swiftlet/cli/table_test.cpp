#include "swiftlet/cli/table.h"

#include <gtest/gtest.h>

namespace swiftlet::cli {
namespace {

TEST(Table, AlignsColumns) {
  Table table({{"name"}, {"size", Align::kRight}, {"note"}});
  table.row({"a", "1.0 MB", "x"});
  table.row({"longer", "512 B"});
  EXPECT_EQ(table.text(),
            "name      size  note\n"
            "a       1.0 MB  x\n"
            "longer   512 B\n");
}

TEST(Table, HasNoTitleLineWithoutTitles) {
  Table table({{""}, {"", Align::kRight}});
  table.row({"a", "1"});
  EXPECT_EQ(table.text(), "a  1\n");
}

TEST(Table, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("größe"), 5u);
  EXPECT_EQ(display_width("模型"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("\xff"), 1u);
  Table table({{""}, {""}});
  table.row({"模型", "x"});
  table.row({"ab", "y"});
  EXPECT_EQ(table.text(), "模型  x\nab    y\n");
}

TEST(Table, WritesMarkdown) {
  Table table({{"a|b"}, {"n", Align::kRight}});
  table.row({"x", "1"});
  EXPECT_EQ(table.markdown(), "| a\\|b | n |\n|---|---:|\n| x | 1 |\n");
}

}  // namespace
}  // namespace swiftlet::cli
