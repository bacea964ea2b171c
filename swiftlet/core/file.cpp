#include "swiftlet/core/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/mapped_file.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

struct Descriptor {
  int value = -1;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : value(std::exchange(other.value, -1)) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

[[noreturn]] void fail_open(const fs::path& path, int error_number) {
  fail(error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, path.string(), "cannot be opened: {}",
       errno_text(error_number));
}

// Opens a regular file for reading and tells its size.
Descriptor open_for_reading(const fs::path& path, std::size_t& bytes) {
  // O_NONBLOCK: opening a named pipe without a writer would hang instead of being refused below.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.value < 0) fail_open(path, errno);
  struct stat status {};
  if (::fstat(file.value, &status) != 0) fail_open(path, errno);
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::kIo, path.string(), "is not a regular file");
  bytes = static_cast<std::size_t>(status.st_size);
  return file;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// "<name>.<pid>.tmp", or "<name>.<pid>-<n>.tmp" where that name is taken: by a writer of another pid
// namespace or another thread.
fs::path temporary_of(const fs::path& target, int attempt) {
  fs::path path = target;
  path += attempt == 0 ? fmt::format(".{}.tmp", ::getpid()) : fmt::format(".{}-{}.tmp", ::getpid(), attempt);
  return path;
}

bool is_temporary_of(const std::string& target, std::string_view name) {
  const std::string prefix = target + ".";
  constexpr std::string_view kSuffix = ".tmp";
  if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) return false;
  if (name.size() <= prefix.size() + kSuffix.size()) return false;
  name.remove_prefix(prefix.size());
  name.remove_suffix(kSuffix.size());
  return name.front() != '-' && name.find_first_not_of("0123456789-") == std::string_view::npos;
}

// Removes a temporary whose writer is gone, so that nobody holds its lock. The lock is held meanwhile: a
// writer that has just made the file waits for it in claim() and sees what happened.
bool remove_abandoned(const fs::path& temporary) {
  const Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  struct stat status {};
  if (file.value < 0 || ::fstat(file.value, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  return ::flock(file.value, LOCK_EX | LOCK_NB) == 0 && ::unlink(temporary.c_str()) == 0;
}

void sweep_stale(const fs::path& target) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_of(target), ignored)) {
    if (!is_temporary_of(target.filename().string(), entry.path().filename().string())) continue;
    if (remove_abandoned(entry.path()))
      warn("[{}] was left by a run that was cut off and is removed", entry.path().string());
  }
}

// Takes the lock that tells others that the writer lives. False when the file was swept before that.
bool claim(int descriptor) {
  while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) {
  }  // file systems without locks: nothing is swept there either
  struct stat status {};
  return ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

}  // namespace

Buffer map_file(const fs::path& path) {
  std::size_t bytes = 0;
  Descriptor file = open_for_reading(path, bytes);
  if (bytes == 0) return {};
  const auto mapped = std::make_shared<const MappedFile>(std::exchange(file.value, -1), bytes, path.string());
  return Buffer::borrowed(mapped, mapped->bytes().data(), bytes);
}

std::string read_text_file(const fs::path& path, std::size_t limit) {
  std::size_t bytes = 0;
  const Descriptor file = open_for_reading(path, bytes);
  require(bytes <= limit, path.string(), "is {} bytes, at most {} are read here", bytes, limit);
  std::string text(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::read(file.value, text.data() + done, bytes - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::kIo, path.string(), "cannot be read: {}", errno_text(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCode::kIo, folder.string(), "cannot be created: {}", error.message());
}

std::vector<fs::path> files_in(const fs::path& path) {
  std::vector<fs::path> files;
  try {
    if (!fs::is_directory(path)) return {path};
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::kIo, error.path1().string(), "cannot be looked at: {}", error.code().message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

fs::path part_of(const fs::path& whole, const fs::path& path) {
  std::error_code ignored;
  // The names are compared too: what is to be written need not exist yet.
  const bool same_name = fs::weakly_canonical(whole, ignored) == fs::weakly_canonical(path, ignored);
  if (same_name || fs::equivalent(whole, path, ignored)) return whole;
  if (!fs::is_directory(whole, ignored)) return {};
  for (fs::recursive_directory_iterator entry(whole, ignored), end; entry != end; entry.increment(ignored))
    if (fs::equivalent(entry->path(), path, ignored)) return entry->path();
  return {};
}

OutputFile::OutputFile(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  const auto status = fs::status(path_, ignored);
  if (fs::is_directory(status)) fail(ErrorCode::kIo, path_.string(), "is a folder, not a file");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    if (fs::is_symlink(fs::symlink_status(path_, ignored))) {
      std::error_code error;
      const fs::path target = fs::weakly_canonical(path_, error);
      if (error) fail(ErrorCode::kIo, path_.string(), "cannot be created: {}", error.message());
      path_ = target;
    }
    sweep_stale(path_);
    open_aside();
  }
  if (descriptor_ < 0) fail(ErrorCode::kIo, path_.string(), "cannot be created: {}", errno_text(errno));
}

void OutputFile::open_aside() {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    temporary_ = temporary_of(path_, attempt);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    if (descriptor_ < 0 || claim(descriptor_)) return;
    ::close(std::exchange(descriptor_, -1));
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  discard();
}

void OutputFile::discard() noexcept {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::fail_io(std::string_view what, int error_number) const {
  fail(ErrorCode::kIo, path_.string(), "{} failed after {} bytes: {}", what, size_, errno_text(error_number));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const int error_number = errno;
      if (error_number == EFAULT) check_mapped(bytes);  // the source shrank: the kernel found no page
      fail_io("writing", error_number);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    size_ += static_cast<std::uint64_t>(put);
  }
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  SWIFTLET_ASSERT(offset + bytes.size() <= size_);
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_io("writing", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void OutputFile::commit() {
  SWIFTLET_ASSERT(descriptor_ >= 0);
  const bool direct = temporary_.empty();
  if (!direct && ::fsync(descriptor_) != 0) fail_io("syncing", errno);
  // Before the file is closed, which gives up its lock.
  if (!direct && ::rename(temporary_.c_str(), path_.c_str()) != 0) fail_io("renaming", errno);
  temporary_.clear();
  if (::close(std::exchange(descriptor_, -1)) != 0 && direct) fail_io("closing", errno);
  if (direct) return;
  // The new name lasts through a power cut only once its folder is synced; some file systems refuse that.
  const Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.value >= 0) ::fsync(folder.value);
}

}  // namespace swiftlet
