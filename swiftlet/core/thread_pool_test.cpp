#include "swiftlet/core/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace swiftlet {
namespace {

TEST(ThreadPoolThreads, EveryMemberRunsOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
    pool.run([&](int member) { calls[static_cast<std::size_t>(member)].fetch_add(1); });
    for (int member = 0; member < threads; ++member) EXPECT_EQ(calls[static_cast<std::size_t>(member)], 1);
  }
}

TEST(ThreadPoolThreads, MembersAreDifferentThreadsAndTheCallerIsTheFirst) {
  ThreadPool pool(4);
  std::vector<std::thread::id> ids(4);
  std::atomic<int> begun{0};
  pool.run([&](int member) {
    ids[static_cast<std::size_t>(member)] = std::this_thread::get_id();
    begun.fetch_add(1);
    while (begun < 4) std::this_thread::yield();  // or the caller would run the parts of those who come late
  });
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), 4u);
}

// What a region writes, the caller reads without any lock of its own: run() joins.
TEST(ThreadPoolThreads, ManyShortRegionsLoseNothing) {
  ThreadPool pool(3);
  std::vector<std::int64_t> sums(3);
  for (int region = 0; region < 5'000; ++region)
    pool.run([&](int member) { sums[static_cast<std::size_t>(member)] += region; });
  for (std::int64_t sum : sums) EXPECT_EQ(sum, std::int64_t{5'000} * 4'999 / 2);
}

TEST(ThreadPoolThreads, WakesUpAfterSleep) {
  ThreadPool pool(3);
  std::atomic<int> calls{0};
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // far longer than the workers spin
    pool.run([&](int) { calls.fetch_add(1); });
  }
  EXPECT_EQ(calls, 60);
}

TEST(ThreadPoolThreads, WaitsForASlowMember) {
  ThreadPool pool(2);
  std::vector<int> done(2);
  pool.run([&](int member) {
    if (member == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    done[static_cast<std::size_t>(member)] = 1;
  });
  EXPECT_EQ(done, (std::vector<int>{1, 1}));
}

// Eight workers that sleep are slower to wake than a part is short: some parts the caller runs itself.
TEST(ThreadPoolThreads, TheCallerRunsThePartsOfThoseWhoComeLate) {
  ThreadPool pool(8);
  std::size_t alone = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::thread::id> ids(8);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(1));  // the workers sleep; to wake takes longer than a part
    pool.run([&](int member) { ids[static_cast<std::size_t>(member)] = std::this_thread::get_id(); });
    for (int member = 0; member < 8; ++member)
      ASSERT_NE(ids[static_cast<std::size_t>(member)], std::thread::id()) << "member " << member;
    for (int member = 1; member < 8; ++member) alone += ids[static_cast<std::size_t>(member)] == ids[0];
  }
  EXPECT_GT(alone, 0u);
}

TEST(ThreadPoolThreads, PartsCoverTheRangeOnceInMultiplesOfTheGrain) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (std::int64_t count : {0, 1, 7, 16, 17, 100, 1001}) {
      for (std::int64_t grain : {1, 4, 16, 2000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
        std::atomic<bool> aligned{true};
        pool.parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
          if (begin % grain != 0 || (end % grain != 0 && end != count) || begin >= end) aligned = false;
          for (std::int64_t i = begin; i < end; ++i) seen[static_cast<std::size_t>(i)].fetch_add(1);
        });
        EXPECT_TRUE(aligned) << threads << " threads, " << count << " by " << grain;
        for (const auto& times : seen)
          ASSERT_EQ(times, 1) << threads << " threads, " << count << " by " << grain;
      }
    }
  }
}

TEST(ThreadPoolThreads, ARegionInsideARegionRunsAllMembersInPlace) {
  ThreadPool outer(2), other(3);
  std::atomic<int> calls{0}, elsewhere{0};
  outer.run([&](int) {
    const auto self = std::this_thread::get_id();
    for (ThreadPool* pool : {&outer, &other})
      pool->run([&](int) {
        calls.fetch_add(1);
        if (std::this_thread::get_id() != self) elsewhere.fetch_add(1);
      });
  });
  EXPECT_EQ(calls, 2 * (2 + 3));
  EXPECT_EQ(elsewhere, 0);
}

TEST(ThreadPoolThreads, CallersFromSeveralThreadsTakeTurns) {
  ThreadPool pool(3);
  std::vector<std::int64_t> sums(3);  // unguarded: two regions at once would race
  const auto caller = [&] {
    for (int region = 0; region < 500; ++region)
      pool.run([&](int member) { sums[static_cast<std::size_t>(member)] += 1; });
  };
  std::thread first(caller), second(caller);
  first.join();
  second.join();
  EXPECT_EQ(sums, (std::vector<std::int64_t>{1000, 1000, 1000}));
}

TEST(ThreadPoolThreads, DefaultSizeIsWhatTheProcessMayUse) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_LE(available_cores(), static_cast<int>(std::thread::hardware_concurrency()));
  EXPECT_EQ(ThreadPool().size(), available_cores());
}

}  // namespace
}  // namespace swiftlet
