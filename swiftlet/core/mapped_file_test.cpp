#include "swiftlet/core/mapped_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <numeric>
#include <thread>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::size_t kPage = 4096;

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "swiftlet_mapped_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  // A file of `bytes` ones.
  fs::path put(const std::string& name, std::size_t bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << std::string(bytes, '\1');
    return folder_ / name;
  }
  fs::path folder_;
};

std::size_t sum(std::span<const std::byte> bytes) {
  std::size_t total = 0;
  for (const std::byte b : bytes) total += std::to_integer<std::size_t>(b);
  return total;
}

std::string complaint(std::span<const std::byte> bytes) {
  try {
    check_mapped(bytes);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    return error.what();
  }
}

TEST_F(MappedFileTest, AFileThatShrinksReadsAsZerosAndIsMarked) {
  const fs::path path = put("a", 10 * kPage);
  const Buffer whole = map_file(path), other = map_file(put("b", 2 * kPage));
  EXPECT_EQ(sum(whole.bytes()), 10 * kPage);
  EXPECT_EQ(complaint(whole.bytes()), "");
  fs::resize_file(path, 3 * kPage);
  EXPECT_FALSE(any_mapping_marked());
  EXPECT_EQ(sum(whole.bytes()), 3 * kPage);
  EXPECT_TRUE(any_mapping_marked());
  EXPECT_THAT(complaint(whole.bytes()), HasSubstr(path.string() + "] was cut short while it was in use"));
  EXPECT_NE(complaint(whole.slice(5, 10).bytes()), "") << "also in what could be read";
  EXPECT_EQ(complaint(other.bytes()), "");
  EXPECT_EQ(sum(other.bytes()), 2 * kPage);
}

// No fault comes from the page that is left, whose rest the kernel fills with zeros.
TEST_F(MappedFileTest, ALossWithinAPageIsSeenToo) {
  const fs::path path = put("a", kPage);
  const Buffer whole = map_file(path);
  fs::resize_file(path, 100);
  EXPECT_EQ(sum(whole.bytes()), 100u);
  EXPECT_FALSE(any_mapping_marked());
  EXPECT_NE(complaint(whole.bytes()), "");
}

TEST_F(MappedFileTest, TheMarkGoesWithItsMapping) {
  const fs::path path = put("a", 3 * kPage);
  {
    const Buffer whole = map_file(path);
    fs::resize_file(path, kPage);
    EXPECT_EQ(sum(whole.bytes()), kPage);
    EXPECT_TRUE(any_mapping_marked());
  }
  EXPECT_FALSE(any_mapping_marked());
  const Buffer again = map_file(path);
  EXPECT_EQ(complaint(again.bytes()), "");
}

TEST_F(MappedFileTest, AskingForOtherMemoryIsNoFault) {
  const Buffer heap = Buffer::heap(100);
  EXPECT_EQ(complaint(heap.bytes()), "");
  EXPECT_EQ(complaint({}), "");
  release_mapped(heap.bytes());
  release_mapped({});
}

// Bytes of files that are resident in this process.
std::size_t resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;)
    if (std::size_t kilobytes = 0; key == "RssFile:" && status >> kilobytes) return kilobytes * 1024;
  return 0;
}

TEST_F(MappedFileTest, ReleasedPagesLeaveTheMemoryAndAreReadAgain) {
  constexpr std::size_t kBytes = (std::size_t{16} << 20) + 7;
  const Buffer whole = map_file(put("a", kBytes));
  EXPECT_EQ(sum(whole.bytes()), kBytes);
  const std::size_t before = resident_file_bytes();
  release_mapped(whole.slice(kPage / 2, kBytes - kPage).bytes());
  EXPECT_LT(resident_file_bytes() + kBytes * 3 / 4, before);
  EXPECT_EQ(sum(whole.bytes()), kBytes);
}

TEST_F(MappedFileTest, ThreadsMayFaultAtOnce) {
  const fs::path path = put("a", 256 * kPage);
  const Buffer whole = map_file(path);
  fs::resize_file(path, 16 * kPage);
  std::vector<std::thread> threads;
  std::vector<std::size_t> sums(8);
  for (std::size_t t = 0; t < sums.size(); ++t)
    threads.emplace_back([&, t] {
      // From different sides, so that the ranges of zeros overlap.
      for (std::size_t i = 0; i < 256; ++i) {
        const std::size_t page = t % 2 == 0 ? i : 255 - i;
        sums[t] += sum(whole.slice(page * kPage, kPage).bytes());
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::size_t total : sums) EXPECT_EQ(total, 16 * kPage);
  EXPECT_NE(complaint(whole.bytes()), "");
}

TEST_F(MappedFileTest, ThreadsMayMapWhileOthersAreMarked) {
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t t = 0; t < right.size(); ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 50; ++round) {
        const fs::path path = put("f" + std::to_string(t), 4 * kPage);
        const Buffer whole = map_file(path);
        fs::resize_file(path, kPage);
        right[t] += sum(whole.bytes()) == kPage && complaint(whole.bytes()).find(path.string()) == 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : right) EXPECT_EQ(count, 50);
  EXPECT_FALSE(any_mapping_marked());
}

// ---- other handlers: each in a process of its own, since the signal belongs to the process

template <class Action>
int status_of(Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

void exit_with_7(int) {
  ::_exit(7);
}

// Touches a page that is gone in a mapping that is not ours.
void fault_elsewhere(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR);
  auto* bytes = static_cast<volatile char*>(::mmap(nullptr, 2 * kPage, PROT_READ, MAP_SHARED, descriptor, 0));
  if (::ftruncate(descriptor, 0) != 0) ::_exit(99);
  [[maybe_unused]] const char lost = bytes[kPage];
}

TEST_F(MappedFileTest, FaultsElsewhereGoToTheHandlerBeforeOurs) {
  const fs::path ours = put("a", 2 * kPage), theirs = put("b", 2 * kPage);
  const int status = status_of([&] {
    guard_mapped_files(false);
    std::signal(SIGBUS, exit_with_7);
    guard_mapped_files(true);
    const Buffer mapped = map_file(ours);
    fs::resize_file(ours, 0);
    if (sum(mapped.bytes()) != 0) ::_exit(1);
    fault_elsewhere(theirs);
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST_F(MappedFileTest, FaultsElsewhereEndTheProcessWhereNobodyHandlesThem) {
  const fs::path ours = put("a", 2 * kPage), theirs = put("b", 2 * kPage);
  const auto begin = [&] {
    guard_mapped_files(false);
    std::signal(SIGBUS, SIG_DFL);
    guard_mapped_files(true);
    return map_file(ours);
  };
  int status = status_of([&] {
    const Buffer mapped = begin();
    fault_elsewhere(theirs);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
  status = status_of([&] {
    const Buffer mapped = begin();
    ::raise(SIGBUS);
    ::_exit(3);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
}

TEST_F(MappedFileTest, WithoutTheGuardTheSignalIsLeftAlone) {
  const fs::path path = put("a", 2 * kPage);
  const int status = status_of([&] {
    guard_mapped_files(false);
    std::signal(SIGBUS, exit_with_7);
    const Buffer mapped = map_file(path);
    fs::resize_file(path, 0);
    if (sum(mapped.bytes()) == 0) ::_exit(1);
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

}  // namespace
}  // namespace swiftlet
