#include "swiftlet/job.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace swiftlet {
namespace {

TEST(Job, ReportsProgress) {
  std::string stage;
  std::int64_t done = 0, total = 0;
  const Job job([&](std::string_view s, std::int64_t d, std::int64_t t) { stage = s, done = d, total = t; });
  job.step("calibrate", 3, 10);
  EXPECT_EQ(stage, "calibrate");
  EXPECT_EQ(done, 3);
  EXPECT_EQ(total, 10);
  EXPECT_NO_THROW(Job{}.step("without a listener", 0, 0));
}

TEST(Job, StopsAtTheNextStepOnceCancelled) {
  int reports = 0;
  Job job([&](std::string_view, std::int64_t, std::int64_t) { ++reports; });
  job.step("eval", 0, 2);
  job.cancel();
  EXPECT_TRUE(job.cancelled());
  try {
    job.step("eval", 1, 2);
    FAIL() << "a cancelled job went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_EQ(reports, 1);
}

TEST(JobThreads, AnotherThreadMayCancel) {
  Job job;
  std::thread canceller([&] { job.cancel(); });
  EXPECT_THROW(for (;;) job.step("endless", 0, 0), Error);
  canceller.join();
}

}  // namespace
}  // namespace swiftlet
