#include "swiftlet/io/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::message_of;

Config parse(std::string_view text) {
  return Config::parse(text, "config.json");
}

TEST(Config, TellsWhatNobodyAskedFor) {
  const Config c =
      Config::parse(R"({"a":1,"b":2,"n":null,"rope":{"theta":1,"factor":2},"other":{"x":1}})", "config.json");
  const Config recorded = c.recorded();
  EXPECT_EQ(recorded.require_int("a"), 1);
  EXPECT_EQ(recorded.section("rope")->require_int("theta"), 1);
  EXPECT_FALSE(recorded.has("missing"));
  EXPECT_EQ(recorded.unread(), (std::vector<std::string>{"b", "other", "rope: factor"}));
  EXPECT_TRUE(c.unread().empty());  // not recorded
}

TEST(Config, ReadsEveryType) {
  const Config c = parse(
      R"({"i":3,"f":512.0,"n":1e-5,"b":true,"s":"silu","null":null,"one":2,"many":[1,2],"rope":{"theta":1e4},)"
      R"("names":["a","b"]})");
  EXPECT_EQ(c.require_int("i", 1), 3);
  EXPECT_EQ(c.require_int("f"), 512);
  EXPECT_EQ(c.int_or("missing", 7), 7);
  EXPECT_EQ(c.int_or("null", 7), 7);
  EXPECT_DOUBLE_EQ(c.require_number("n"), 1e-5);
  EXPECT_DOUBLE_EQ(c.require_number("i"), 3.0);
  EXPECT_TRUE(c.bool_or("b", false));
  EXPECT_EQ(c.require_string("s"), "silu");
  EXPECT_THAT(c.ints("one"), ElementsAre(2));
  EXPECT_THAT(c.ints("many"), ElementsAre(1, 2));
  EXPECT_THAT(c.ints("null"), IsEmpty());
  EXPECT_THAT(c.strings("names"), ElementsAre("a", "b"));
  EXPECT_FALSE(c.has("null"));
  EXPECT_FALSE(c.section("missing").has_value());
}

TEST(Config, NamesFileKeyAndValueInErrors) {
  const Config c = parse(
      R"({"hidden_size":"abc","n":-1,"f":1.5,"big":18446744073709551615,"rope":{"theta":[]},"l":[1,"x"]})");
  EXPECT_EQ(message_of([&] { c.require_int("hidden_size", 1); }),
            "[config.json: hidden_size] expected a positive integer, got \"abc\"");
  EXPECT_EQ(message_of([&] { c.require_int("layers", 1, 100); }),
            "[config.json: layers] expected an integer from 1 to 100, got nothing");
  EXPECT_EQ(message_of([&] { c.int_or("n", 1, 0); }),
            "[config.json: n] expected an integer of at least 0, got -1");
  EXPECT_THAT(message_of([&] { c.require_int("f"); }), HasSubstr("expected an integer, got 1.5"));
  EXPECT_THAT(message_of([&] { c.require_int("big"); }), HasSubstr("got 18446744073709551615"));
  EXPECT_EQ(message_of([&] { c.section("rope")->require_number("theta", 0, 1); }),
            "[config.json: rope: theta] expected a number from 0 to 1, got an empty list");
  EXPECT_THAT(message_of([&] { c.bool_or("n", true); }), HasSubstr("expected true or false, got -1"));
  EXPECT_THAT(message_of([&] { c.ints("l"); }), HasSubstr("expected an integer or a list of integers"));
  EXPECT_THAT(message_of([&] { c.section("n"); }), HasSubstr("expected an object, got -1"));
}

TEST(Config, RefusesBrokenTexts) {
  const auto error = [](std::string_view text) { return message_of([&] { parse(text); }); };
  EXPECT_EQ(error(""), "[config.json] is empty, expected JSON");
  EXPECT_EQ(error("{\n  \"a\": ,\n}"), "[config.json] is not valid JSON at line 2, column 8");
  EXPECT_EQ(error("{\"a\": 1"), "[config.json] is not valid JSON: it ends too early, at line 1");
  EXPECT_EQ(error("[]"), "[config.json] expected a JSON object, got an empty list");
  EXPECT_THAT(error("{\"a\": \"\xff\"}"), HasSubstr("is not valid JSON at line 1"));
  EXPECT_THAT(error("{\"a\": 1e999}"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(error("{\"a\":" + std::string(1'000'000, '[')), HasSubstr("nested deeper than 64 levels"));
}

TEST(Config, SurvivesEveryTruncation) {
  const std::string good = R"({"a":[1,2,{"b":"c\u00e9"}],"d":null})";
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_THAT(message_of([&] { parse(good.substr(0, length)); }), HasSubstr("config.json")) << length;
}

}  // namespace
}  // namespace swiftlet
