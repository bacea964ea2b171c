#include "swiftlet/compress/search/size_target.h"

#include <gtest/gtest.h>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

TEST(SizeTarget, IsAMultipleOrANumberOfBytes) {
  EXPECT_EQ(SizeTarget::parse("size=7.5x").limit(75), 10);
  EXPECT_EQ(SizeTarget::parse("size=1x").limit(75), 75);
  EXPECT_EQ(SizeTarget::parse("size=12MB").limit(75), 12'000'000);
  EXPECT_EQ(SizeTarget::parse("size=1.5kB").limit(75), 1500);
  EXPECT_EQ(SizeTarget::parse("size=2GB").limit(75), 2'000'000'000);
}

TEST(SizeTarget, RefusesWhatSaysNoSize) {
  const auto message_of = [](const char* text) -> std::string {
    try {
      SizeTarget::parse(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  for (const char* text : {"", "7x", "size", "size=", "size=x", "size=0x", "size=0.5x", "size=-2x", "size=7",
                           "size=7 x", "size=7xx", "size=nanx", "size=infMB", "size=1e30GB", "size=0kB"})
    EXPECT_EQ(message_of(text),
              std::string("[target] expected a size such as size=7x or size=12MB, got '") + text + "'");
  EXPECT_EQ(message_of("latency=2x"), "[target] latency does not exist yet, only size");
}

}  // namespace
}  // namespace swiftlet
