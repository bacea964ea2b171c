#include "swiftlet/core/text_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

using testing::HasSubstr;
using Lines = std::vector<std::string>;

std::string gzip(std::string_view text) {
  z_stream state{};
  EXPECT_EQ(deflateInit2(&state, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&state, text.size()) + 64, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&state, Z_FINISH), Z_STREAM_END);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

std::string long_text() {
  std::string text;
  for (unsigned i = 0; i < 60000; ++i) text += fmt::format("{} swifts\n", i * i);
  return text;  // many chunks long
}

TEST(TextSource, LinesEndInAnyOfTheWays) {
  const TestFolder folder;
  EXPECT_EQ(read_lines(folder.put("a", "one\ntwo\r\n\nthree")), (Lines{"one", "two", "", "three"}));
  EXPECT_EQ(read_lines(folder.put("b", "one\n")), Lines{"one"});
  EXPECT_EQ(read_lines(folder.put("c", "")), Lines{});
  EXPECT_EQ(read_lines(folder.put("d", "\n")), Lines{""});
  EXPECT_EQ(read_lines(folder.put("e", "a\rb\r\r\n")), Lines{"a\rb\r"});
}

TEST(TextSource, SkipsTheByteOrderMark) {
  const TestFolder folder;
  EXPECT_EQ(read_text(folder.put("a", "\xef\xbb\xbfhi")), "hi");
  EXPECT_EQ(read_text(folder.put("b", "\xef\xbb\xbf")), "");
  EXPECT_EQ(read_text(folder.put("c", "\xef\xbb")), "\xef\xbb");
  EXPECT_EQ(read_text(folder.put("d", gzip("\xef\xbb\xbfhi"))), "hi");
}

TEST(TextSource, ReadsPlainAndGzipAlike) {
  const TestFolder folder;
  const std::string text = long_text();
  EXPECT_EQ(read_text(folder.put("a.txt", text)), text);
  EXPECT_EQ(read_text(folder.put("a.txt.gz", gzip(text))), text);
  EXPECT_EQ(read_text(folder.put("empty.gz", gzip(""))), "");
}

TEST(TextSource, ReadsSeveralGzipMembersAndPadding) {
  const TestFolder folder;
  EXPECT_EQ(read_text(folder.put("a.gz", gzip("one ") + gzip("") + gzip("two"))), "one two");
  EXPECT_EQ(read_text(folder.put("b.gz", gzip("one") + std::string(100000, '\0'))), "one");
  EXPECT_THAT(error_of([&] { read_text(folder.put("c.gz", gzip("one") + "garbage")); }),
              HasSubstr("damaged"));
  EXPECT_THAT(error_of([&] { read_text(folder.put("d.gz", gzip("one") + std::string(9, '\0') + "x")); }),
              HasSubstr("unknown bytes"));
}

TEST(TextSource, EveryTruncationOfGzipIsAnError) {
  const TestFolder folder;
  const std::string bytes = gzip("the quick brown fox jumps over the lazy dog");
  for (std::size_t size = 2; size < bytes.size(); ++size)
    EXPECT_THAT(error_of([&] { read_text(folder.put("a.gz", bytes.substr(0, size))); }),
                HasSubstr("a.gz] the gzip data are truncated"))
        << size;
}

TEST(TextSource, DamagedGzipIsAnError) {
  const TestFolder folder;
  std::string bytes = gzip(long_text());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  EXPECT_THAT(error_of([&] { read_text(folder.put("a.gz", bytes)); }),
              HasSubstr("the gzip data are damaged"));
}

TEST(TextSource, ABombStopsAtTheLimit) {
  const TestFolder folder;
  const auto bomb = folder.put("bomb.gz", gzip(std::string(std::size_t{20} << 20, 'x')));
  ASSERT_LT(std::filesystem::file_size(bomb), 64u << 10);
  EXPECT_THAT(error_of([&] { read_text(bomb, 1 << 20); }), HasSubstr("more than 1048576 bytes"));
  EXPECT_EQ(read_text(folder.put("a", "12345"), 5), "12345");
  EXPECT_NE(error_of([&] { read_text(folder.put("a", "123456"), 5); }), "no error");
}

TEST(TextSource, ReadsTheStories) {
  EXPECT_EQ(read_text(SWIFTLET_SOURCE_DIR "/assets/text/stories-valid.txt.gz").size(), 371624u);
}

TEST(TextSource, ErrorsNameFileAndLine) {
  const TestFolder folder;
  EXPECT_THAT(error_of([&] { read_text(folder.path() / "none.txt"); }),
              HasSubstr("none.txt] cannot be opened: No such"));
  EXPECT_THAT(error_of([&] { read_text(folder.path()); }), HasSubstr("is a folder"));
  EXPECT_THAT(error_of([&] { read_text(folder.put("a", "\xff\xfeh")); }), HasSubstr("UTF-16"));
  const auto path = folder.put("long", "short\n" + std::string((std::size_t{16} << 20) + 1, 'x'));
  EXPECT_THAT(error_of([&] { read_lines(path); }), HasSubstr("long:2] the line is longer"));
}

}  // namespace
}  // namespace swiftlet
