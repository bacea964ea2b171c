#include "swiftlet/core/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

struct Descriptor {
  int value = -1;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : value(std::exchange(other.value, -1)) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

struct Mapping {
  void* address = nullptr;
  std::size_t bytes = 0;
  ~Mapping() {
    if (address != nullptr) ::munmap(address, bytes);
  }
};

[[noreturn]] void fail_open(const std::filesystem::path& path, int error_number) {
  fail(error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, path.string(), "cannot be opened: {}",
       errno_text(error_number));
}

// Opens a regular file for reading and tells its size.
Descriptor open_for_reading(const std::filesystem::path& path, std::size_t& bytes) {
  // O_NONBLOCK: opening a named pipe without a writer would hang instead of being refused below.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.value < 0) fail_open(path, errno);
  struct stat status {};
  if (::fstat(file.value, &status) != 0) fail_open(path, errno);
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::kIo, path.string(), "is not a regular file");
  bytes = static_cast<std::size_t>(status.st_size);
  return file;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// Removes "<name>.<pid>.tmp" files whose writer is gone.
void sweep_stale(const std::filesystem::path& target) {
  const std::string prefix = target.filename().string() + ".";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(target), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
    // Also drafts, "<name>.draft.<pid>.tmp", and their own temporaries: the last number is the writer.
    std::string_view digits = std::string_view(name).substr(prefix.size(), name.size() - prefix.size() - 4);
    digits = digits.substr(digits.rfind('.') + 1);
    int process = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), process);
    if (error != std::errc() || end != digits.data() + digits.size() || process <= 0) continue;
    if (::kill(process, 0) != 0 && errno == ESRCH) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

Buffer map_file(const std::filesystem::path& path) {
  std::size_t bytes = 0;
  const Descriptor file = open_for_reading(path, bytes);
  if (bytes == 0) return {};
  void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.value, 0);
  if (address == MAP_FAILED)
    fail(ErrorCode::kMemory, path.string(), "cannot be mapped: {}", errno_text(errno));
  auto mapping = std::make_shared<Mapping>();
  mapping->address = address;
  mapping->bytes = bytes;
  return Buffer::borrowed(mapping, static_cast<const std::byte*>(address), bytes);
}

std::string read_text_file(const std::filesystem::path& path, std::size_t limit) {
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

OutputFile::OutputFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::is_directory(status)) fail(ErrorCode::kIo, path_.string(), "is a folder, not a file");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(path_, ignored)))
      path_ = std::filesystem::weakly_canonical(path_);
    sweep_stale(path_);
    temporary_ = path_;
    temporary_ += fmt::format(".{}.tmp", ::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) fail(ErrorCode::kIo, path_.string(), "cannot be created: {}", errno_text(errno));
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
    if (put < 0) fail_io("writing", errno);
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
  if (::close(std::exchange(descriptor_, -1)) != 0) {
    const int error_number = errno;
    discard();
    fail_io("closing", error_number);
  }
  if (direct) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    discard();
    fail_io("renaming", error_number);
  }
  // The new name lasts through a power cut only once its folder is synced; some file systems refuse that.
  const Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.value >= 0) ::fsync(folder.value);
}

}  // namespace swiftlet
