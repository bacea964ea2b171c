#include "swiftlet/core/log.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace swiftlet {
namespace {

TEST(Log, AHandlerGetsWarningsAsOneLine) {
  std::vector<std::string> heard;
  set_warning_handler([&](std::string_view warning) { heard.emplace_back(warning); });
  warn("{} weights of {} are ignored", 3, "a\nb");
  set_warning_handler({});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].find('\n'), std::string::npos);
  EXPECT_EQ(heard[0].find("3 weights of a"), 0u);
}

TEST(Log, WithoutOneTheyGoToStandardError) {
  testing::internal::CaptureStderr();
  warn("{}% of the memory {}", 90, "{}");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "swiftlet: warning: 90% of the memory {}\n");
}

TEST(LogThreads, WarningsComeOneAtATime) {
  int inside = 0, most = 0, count = 0;
  set_warning_handler([&](std::string_view) {
    most = std::max(most, ++inside);
    ++count;
    --inside;
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) warn("{}", i);
    });
  for (std::thread& thread : threads) thread.join();
  set_warning_handler({});
  EXPECT_EQ(most, 1);
  EXPECT_EQ(count, 400);
}

}  // namespace
}  // namespace swiftlet
