#include "swiftlet/core/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

using testing::HasSubstr;
using Record = std::vector<std::string>;

std::vector<Record> records_of(std::string_view text, CsvOptions options = {}) {
  const TestFolder folder;
  CsvReader reader(folder.put("x.csv", text), options);
  std::vector<Record> records;
  for (Record fields; reader.next(fields);) records.push_back(fields);
  return records;
}

TEST(Csv, ReadsPlainRecords) {
  EXPECT_EQ(records_of("a,b,c\nd,,f\n"), (std::vector<Record>{{"a", "b", "c"}, {"d", "", "f"}}));
  EXPECT_EQ(records_of("a,b\r\nc,d"), (std::vector<Record>{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(records_of(",\n,"), (std::vector<Record>{{"", ""}, {"", ""}}));
  EXPECT_EQ(records_of(""), std::vector<Record>{});
  EXPECT_EQ(records_of("\n\r\na\n\n"), std::vector<Record>{{"a"}});
  EXPECT_EQ(records_of(" a , b "), (std::vector<Record>{{" a ", " b "}}));
}

TEST(Csv, QuotesHoldDelimitersNewlinesAndQuotes) {
  EXPECT_EQ(records_of("\"a,b\",\"say \"\"hi\"\"\"\n"), (std::vector<Record>{{"a,b", "say \"hi\""}}));
  EXPECT_EQ(records_of("\"one\ntwo\r\nthree\",x\r\ny,z"),
            (std::vector<Record>{{"one\ntwo\r\nthree", "x"}, {"y", "z"}}));
  EXPECT_EQ(records_of("\"\",\"\"\n\"\"\"\""), (std::vector<Record>{{"", ""}, {"\""}}));
  EXPECT_EQ(records_of("5\" pipe,a\"b\"\n"), (std::vector<Record>{{"5\" pipe", "a\"b\""}}));
}

TEST(Csv, SkipsTheByteOrderMarkBeforeAQuote) {
  EXPECT_EQ(records_of("\xef\xbb\xbf\"a\",b"), (std::vector<Record>{{"a", "b"}}));
}

TEST(Csv, OtherDelimitersAndNoQuotes) {
  EXPECT_EQ(records_of("\"a\tb\"\tc\r\n", {.delimiter = '\t', .quotes = false}),
            (std::vector<Record>{{"\"a", "b\"", "c"}}));
  EXPECT_EQ(records_of("a;b,c", {.delimiter = ';'}), (std::vector<Record>{{"a", "b,c"}}));
}

TEST(Csv, TellsWhereARecordBegins) {
  const TestFolder folder;
  CsvReader reader(folder.put("x.csv", "a\n\"b\nb\"\n\nc\n"));
  Record fields;
  std::vector<std::string> places;
  while (reader.next(fields)) places.push_back(std::filesystem::path(reader.where()).filename().string());
  EXPECT_EQ(places, (std::vector<std::string>{"x.csv:1", "x.csv:2", "x.csv:5"}));
}

TEST(Csv, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of([] { records_of("a\n\"b\nc\nd"); }), HasSubstr("x.csv:2] the quote is never closed"));
  EXPECT_THAT(error_of([] { records_of("a\nb\n\"c\"d,e"); }),
              HasSubstr("x.csv:3] text follows a closing quote"));
  EXPECT_THAT(error_of([] { records_of("\"c\"\rd"); }), HasSubstr("x.csv:1] a carriage return"));
}

TEST(Csv, ARecordWithoutEndIsCutOff) {
  const std::string huge((std::size_t{16} << 20) + 10, 'x');
  EXPECT_THAT(error_of([&] { records_of("a\n\"" + huge); }), HasSubstr("x.csv:2] the record is larger than"));
  const std::string commas(std::size_t{1} << 20, ',');
  EXPECT_THAT(error_of([&] { records_of(commas); }), HasSubstr("the record is larger than"));
}

}  // namespace
}  // namespace swiftlet
