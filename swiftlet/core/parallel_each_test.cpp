#include "swiftlet/core/parallel_each.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace swiftlet {
namespace {

TEST(ParallelEachThreads, CallsEveryBodyOnce) {
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (const std::size_t count : {0U, 1U, 7U, 1000U}) {
      std::vector<int> calls(count);
      parallel_each(pool, count, [&](std::size_t i) { ++calls[i]; });
      EXPECT_EQ(calls, std::vector<int>(count, 1));
    }
  }
}

TEST(ParallelEachThreads, ThrowsWhatABodyThrows) {
  ThreadPool pool(2);
  for (int round = 0; round < 50; ++round) {
    try {
      parallel_each(pool, 1000, [](std::size_t i) {
        if (i == 500) throw std::runtime_error("five hundred");
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "five hundred");
    }
  }
  int calls = 0;
  parallel_each(pool, 1, [&](std::size_t) { ++calls; });
  EXPECT_EQ(calls, 1) << "the pool works on";
}

}  // namespace
}  // namespace swiftlet
