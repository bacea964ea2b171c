#include "swiftlet/core/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// A folder of its own for each test, removed afterwards.
class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "swiftlet_file_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path path(const std::string& name) const { return folder_ / name; }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  std::string get(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.insert(entry.path().filename().string());
    return found;
  }
  fs::path folder_;
};

template <class Action>
void expect_error(ErrorCode code, const testing::Matcher<const char*>& message, Action action) {
  try {
    action();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), message);
  }
}

TEST_F(File, MapsTheWholeFile) {
  put("a", "swift bird");
  const Buffer buffer = map_file(path("a"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(buffer.data()), buffer.size()), "swift bird");
  EXPECT_FALSE(buffer.is_heap());
}

TEST_F(File, ASliceKeepsTheMapping) {
  put("a", "swift bird");
  const Buffer slice = map_file(path("a")).slice(6, 4);
  fs::remove(path("a"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slice.data()), slice.size()), "bird");
}

TEST_F(File, AnEmptyFileGivesNothing) {
  put("a", "");
  EXPECT_EQ(map_file(path("a")).size(), 0u);
  EXPECT_EQ(read_text_file(path("a")), "");
}

TEST_F(File, ListsTheFilesBelowAFolder) {
  fs::create_directories(folder_ / "b/c");
  for (const char* name : {"b/c/z", "b/y", "a"}) std::ofstream(folder_ / name) << name;
  EXPECT_EQ(files_in(folder_), (std::vector{folder_ / "a", folder_ / "b/c/z", folder_ / "b/y"}));
  EXPECT_EQ(files_in(folder_ / "a"), std::vector{folder_ / "a"});
}

TEST_F(File, KnowsWhatLiesInAFolder) {
  fs::create_directories(folder_ / "model/part");
  std::ofstream(folder_ / "model/part/weights") << "w";
  std::ofstream(folder_ / "else") << "e";
  fs::create_symlink(folder_ / "model/part/weights", folder_ / "link");
  const fs::path model = folder_ / "model";
  EXPECT_EQ(part_of(model, model), model);
  EXPECT_EQ(part_of(model, model / "part/../part/weights"), model / "part/weights");
  EXPECT_EQ(part_of(model, folder_ / "link"), model / "part/weights");
  EXPECT_EQ(part_of(model, folder_ / "else"), fs::path());
  EXPECT_EQ(part_of(model, model / "new"), fs::path());
  EXPECT_EQ(part_of(folder_ / "new", folder_ / "./new"), folder_ / "new");
}

TEST_F(File, ReadsText) {
  put("a", "two\nlines\n");
  EXPECT_EQ(read_text_file(path("a")), "two\nlines\n");
  expect_error(ErrorCode::kInvalid, HasSubstr("is 10 bytes, at most 9"),
               [&] { read_text_file(path("a"), 9); });
}

TEST_F(File, NamesWhatIsMissing) {
  const auto named = AllOf(HasSubstr("missing"), HasSubstr("No such file or directory"));
  expect_error(ErrorCode::kNotFound, named, [&] { map_file(path("missing")); });
  expect_error(ErrorCode::kNotFound, named, [&] { read_text_file(path("missing")); });
  expect_error(ErrorCode::kIo, named, [&] { OutputFile(path("missing") / "out"); });
}

TEST_F(File, RefusesFoldersAndPipes) {
  expect_error(ErrorCode::kIo, HasSubstr("not a regular file"), [&] { map_file(folder_); });
  expect_error(ErrorCode::kIo, HasSubstr("is a folder"), [&] { OutputFile{folder_}; });
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  expect_error(ErrorCode::kIo, HasSubstr("not a regular file"),
               [&] { map_file(path("pipe")); });  // and no hang
}

// Root may read and write everything, so it steps down for a while.
class UnprivilegedUser {
 public:
  UnprivilegedUser() { stepped_down_ = ::geteuid() == 0 && ::seteuid(65534) == 0; }
  ~UnprivilegedUser() {
    if (stepped_down_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool stepped_down_ = false;
};

TEST_F(File, PermissionIsRefusedWithItsReason) {
  put("secret", "x");
  fs::permissions(path("secret"), fs::perms::none);
  fs::permissions(folder_, fs::perms(0555));
  {
    const UnprivilegedUser user;
    if (::geteuid() == 0) GTEST_SKIP() << "root cannot become another user here";
    const auto refused = HasSubstr("Permission denied");
    expect_error(ErrorCode::kIo, AllOf(HasSubstr("secret"), refused), [&] { map_file(path("secret")); });
    expect_error(ErrorCode::kIo, AllOf(HasSubstr("secret"), refused),
                 [&] { read_text_file(path("secret")); });
    expect_error(ErrorCode::kIo, AllOf(HasSubstr("out"), refused), [&] { OutputFile(path("out")); });
  }
  fs::permissions(folder_, fs::perms::owner_all);
}

TEST_F(File, CommitReplacesTheOldFileAtOnce) {
  put("out", "old");
  OutputFile file(path("out"));
  file.write("new text");
  EXPECT_EQ(get("out"), "old");
  file.write_at(4, std::as_bytes(std::span("TEXT", 4)));
  EXPECT_EQ(file.size(), 8u);
  file.commit();
  EXPECT_EQ(get("out"), "new TEXT");
  EXPECT_EQ(names(), std::set<std::string>{"out"});
}

TEST_F(File, WithoutCommitTheOldFileStays) {
  put("out", "old");
  {
    OutputFile file(path("out"));
    file.write("half of it");
    EXPECT_EQ(names().size(), 2u);
  }
  EXPECT_EQ(get("out"), "old");
  EXPECT_EQ(names(), std::set<std::string>{"out"});
}

TEST_F(File, WriteAtStaysInsideWhatIsWritten) {
  OutputFile file(path("out"));
  file.write("1234");
  EXPECT_THROW(file.write_at(2, std::as_bytes(std::span("abc", 3))), std::logic_error);
}

TEST_F(File, ALinkIsFollowedNotReplaced) {
  put("target", "old");
  fs::create_symlink("target", path("link"));
  OutputFile file(path("link"));
  file.write("new");
  file.commit();
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(get("target"), "new");
}

// A rename would put a plain file in the place of the device, for all programs of the machine.
TEST_F(File, ADeviceIsWrittenToNotReplaced) {
  OutputFile file("/dev/null");
  file.write("gone");
  file.commit();
  struct stat status {};
  ASSERT_EQ(::stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST_F(File, AFullDeviceSaysSo) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  OutputFile file("/dev/full");
  expect_error(ErrorCode::kIo, AllOf(HasSubstr("/dev/full"), HasSubstr("No space left on device")),
               [&] { file.write("too much"); });
}

TEST_F(File, SweepsTemporariesThatLostTheirWriter) {
  OutputFile alive(path("out"));  // of a writer that still runs, whatever its process id
  const pid_t child = ::fork();
  if (child == 0) {
    OutputFile file(path("out"));
    file.write("half");
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const std::string dead = "out." + std::to_string(child) + ".tmp";
  ASSERT_EQ(get(dead), "half");
  const std::set<std::string> others{"out.x.tmp", "out.12x.tmp", "out.tmp", "out.-1.tmp", "other." + dead};
  for (const std::string& name : others) put(name, "x");
  testing::internal::CaptureStderr();
  OutputFile file(path("out"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr(dead), HasSubstr("left by a run that was cut off")));
  EXPECT_FALSE(fs::exists(path(dead)));
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(path(name))) << name;
  EXPECT_TRUE(fs::exists(alive.aside()));
  EXPECT_NE(alive.aside(), file.aside());
  alive.write("first");
  file.write("second");
  alive.commit();
  EXPECT_EQ(get("out"), "first");
  file.commit();
  EXPECT_EQ(get("out"), "second");
}

// Lowers the largest file that this process may write; the write then fails half-way, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit lower{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(File, AWriteThatFailsHalfWayLosesNothing) {
  put("out", "old");
  {
    const FileSizeLimit limit(1000);
    OutputFile file(path("out"));
    expect_error(ErrorCode::kIo, AllOf(HasSubstr("out]"), HasSubstr("after 1000 bytes")),
                 [&] { file.write(std::string(4096, 'x')); });
  }
  EXPECT_EQ(get("out"), "old");
  EXPECT_EQ(names(), std::set<std::string>{"out"});
}

TEST_F(File, AFullDiskLosesNothing) {
  fs::create_directory(path("disk"));
  if (::mount("tmpfs", path("disk").c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "no right to mount a small file system";
  {
    std::ofstream(path("disk") / "out") << "old";
    OutputFile file(path("disk") / "out");
    expect_error(ErrorCode::kIo, HasSubstr("No space left on device"),
                 [&] { file.write(std::string(1 << 20, 'x')); });
  }
  EXPECT_EQ(read_text_file(path("disk") / "out"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(path("disk")), fs::directory_iterator{}), 1);
  ::umount(path("disk").c_str());
}

}  // namespace
}  // namespace swiftlet
