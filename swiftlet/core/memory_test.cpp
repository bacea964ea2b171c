#include "swiftlet/core/memory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "swiftlet/core/buffer.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

TEST(Memory, IsPlausible) {
  EXPECT_GT(total_memory_bytes(), std::uint64_t{64} << 20);
  EXPECT_GT(available_memory_bytes(), 0u);
  EXPECT_LE(available_memory_bytes(), total_memory_bytes());
}

TEST(Memory, ThePeakGrowsWithUse) {
  constexpr std::size_t kBlock = 64 << 20;
  const std::uint64_t before = peak_memory_bytes();
  const Buffer block = Buffer::heap(kBlock);  // writes every page
  EXPECT_GE(peak_memory_bytes(), std::uint64_t{kBlock});
  EXPECT_GE(peak_memory_bytes(), before);
  EXPECT_EQ(block.size(), kBlock);
}

// A tree of files as Linux shows it.
class ControlGroup : public testing::Test {
 protected:
  ControlGroup() : root_(fs::temp_directory_path() / fmt::format("swiftlet-memory-{}", ::getpid())) {}
  ~ControlGroup() override { fs::remove_all(root_); }
  void put(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::uint64_t left() const { return control_group_memory_bytes(root_); }

  fs::path root_;
};

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

TEST_F(ControlGroup, WithoutALimitEverythingIsLeft) {
  EXPECT_EQ(left(), kNone);
  put("sys/fs/cgroup/memory.max", "max\n");
  put("sys/fs/cgroup/memory.current", "1000\n");
  EXPECT_EQ(left(), kNone);
}

TEST_F(ControlGroup, PagesOfFilesCountAsLeft) {
  put("sys/fs/cgroup/memory.max", "1000\n");
  put("sys/fs/cgroup/memory.current", "900\n");
  EXPECT_EQ(left(), 100u);
  put("sys/fs/cgroup/memory.stat", "anon 200\nfile 700\ninactive_file 600\nactive_file 50\n");
  EXPECT_EQ(left(), 750u);
  put("sys/fs/cgroup/memory.current", "1100\n");
  put("sys/fs/cgroup/memory.stat", "anon 1100\n");
  EXPECT_EQ(left(), 0u);
}

TEST_F(ControlGroup, TheTightestOfAllAboveCounts) {
  put("proc/self/cgroup", "0::/user.slice/job\n");
  put("sys/fs/cgroup/user.slice/memory.max", "500\n");
  put("sys/fs/cgroup/user.slice/memory.current", "100\n");
  put("sys/fs/cgroup/user.slice/job/memory.max", "450\n");
  put("sys/fs/cgroup/user.slice/job/memory.current", "20\n");
  EXPECT_EQ(left(), 400u);
}

TEST_F(ControlGroup, KnowsVersion1) {
  put("proc/self/cgroup", "5:memory:/docker\n3:cpu,cpuacct:/other\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "2000\n");
  put("sys/fs/cgroup/memory/docker/memory.usage_in_bytes", "1500\n");
  put("sys/fs/cgroup/memory/docker/memory.stat", "total_inactive_file 300\ntotal_active_file 100\n");
  EXPECT_EQ(left(), 900u);
}

}  // namespace
}  // namespace swiftlet
