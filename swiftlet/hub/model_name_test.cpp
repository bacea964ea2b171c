#include "swiftlet/hub/model_name.h"

#include <gtest/gtest.h>

#include "swiftlet/hub/url.h"

namespace swiftlet::hub {
namespace {

ModelName parsed(std::string_view text) {
  const auto name = parse_model_name(text);
  EXPECT_TRUE(name.has_value()) << text;
  return name.value_or(ModelName{});
}

TEST(ModelName, HasARepositoryARevisionAFileAndATag) {
  EXPECT_EQ(parsed("org/name").repository, "org/name");
  EXPECT_EQ(parsed("org/name").revision, "main");
  EXPECT_EQ(parsed("org/name@v1.0").revision, "v1.0");
  EXPECT_EQ(parsed("org/na.me-2_x@refs/pr/7").revision, "refs/pr/7");
  EXPECT_EQ(parsed("org/name@refs/pr/7/a.gguf").file, "a.gguf");
  EXPECT_EQ(parsed("org/name/folder/a-Q8_0.gguf").file, "folder/a-Q8_0.gguf");
  EXPECT_EQ(parsed("org/name@main/model.safetensors").file, "model.safetensors");
  EXPECT_EQ(parsed("org/name:Q4_K_M").tag, "Q4_K_M");
  EXPECT_EQ(parsed("org/name@dev:Q8_0").revision, "dev");
  for (const char* text : {"org/name", "org/name@dev", "org/name/a.gguf", "org/name@dev:Q8_0"})
    EXPECT_EQ(parsed(text).text(), text);
}

TEST(ModelName, LeavesPathsAlone) {
  for (const char* text : {"name",
                           "./a",
                           "../a/b",
                           "/a/b",
                           "~/a",
                           "a/",
                           "a//b",
                           "a/b/c",
                           "a/b/c/d",
                           "models/x.gguf",
                           "out/x.swiftlet",
                           "a/b@",
                           "a/b:",
                           "a/b@../x",
                           "a/b/../c.gguf",
                           "a/..",
                           "a/-b",
                           "a/b--c",
                           "a b/c",
                           "a/b/c.txt",
                           "a\\b/c",
                           "",
                           "a/b:x/y.gguf",
                           "a/b@v/c"})
    EXPECT_FALSE(parse_model_name(text).has_value()) << text;
  EXPECT_FALSE(parse_model_name(std::string(200, 'a') + "/b").has_value());
}

TEST(ModelName, PathsFromTheNetworkStayInTheirFolder) {
  for (const char* good : {"a", "a/b.json", "a/.b", "a b"}) EXPECT_TRUE(is_safe_path(good)) << good;
  for (const std::string bad : {"", "/a", "a/", "../a", "a/../b", "a/..", ".", "a//b", "a\\b", "a\nb"})
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  EXPECT_FALSE(is_safe_path(std::string(300, 'a')));
  EXPECT_FALSE(is_safe_path(std::string("a\0b", 3)));
}

TEST(HubUrl, OriginsAreSchemeHostAndPort) {
  EXPECT_EQ(origin_of("https://Hub.example/x"), origin_of("https://hub.example:443"));
  EXPECT_NE(origin_of("https://hub.example"), origin_of("http://hub.example"));
  EXPECT_NE(origin_of("http://hub.example:1"), origin_of("http://hub.example:2"));
  EXPECT_NE(origin_of("https://hub.example"), origin_of("https://hub.example.evil"));
  EXPECT_FALSE(origin_of("ftp://hub.example"));
  EXPECT_FALSE(origin_of("hub.example"));
  EXPECT_FALSE(origin_of("file:///etc/passwd"));
}

TEST(HubUrl, MessagesShowNoSecrets) {
  EXPECT_EQ(printable_url("https://user:word@hub.example:8/a?signature=secret#x"), "https://hub.example:8/a");
  EXPECT_EQ(escaped("a b/ü?"), "a%20b/%C3%BC%3F");
  EXPECT_EQ(escaped("refs/pr/7", true), "refs%2Fpr%2F7");
}

}  // namespace
}  // namespace swiftlet::hub
