#include "swiftlet/hub/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "swiftlet/core/error.h"

namespace swiftlet::hub {

namespace fs = std::filesystem;

PartFile::PartFile(fs::path blob, FileInfo info, std::string where)
    : blob_(std::move(blob)), part_(blob_), info_(std::move(info)), where_(std::move(where)) {
  part_ += ".incomplete";
  descriptor_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) fail(ErrorCode::kIo, part_.string(), "cannot be created: {}", errno_text(errno));
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) fail_io("opening", EINVAL);
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  start_hash();
  if (info_.size && bytes > *info_.size)
    restart();
  else
    hash_existing();
}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  std::error_code ignored;
  if (size_ == 0) fs::remove(part_, ignored);
}

void PartFile::fail_io(const char* what, int error_number) const {
  fail(ErrorCode::kIo, part_.string(), "{} failed after {} bytes: {}", what, size_, errno_text(error_number));
}

void PartFile::start_hash() {
  constexpr std::size_t kSha1Digits = 40;
  const bool hexadecimal = info_.etag.find_first_not_of("0123456789abcdef") == std::string::npos;
  hash_.reset();
  if (hexadecimal && info_.etag.size() == kSha256Digits) {
    hash_ = std::make_unique<Sha256>();
  } else if (hexadecimal && info_.etag.size() == kSha1Digits && info_.size) {
    hash_ = std::make_unique<Sha1>();
    hash_->update(fmt::format("blob {}", *info_.size));
    hash_->update(std::string_view("\0", 1));
  }
}

void PartFile::hash_existing() {
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  while (true) {
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io("reading", errno);
    if (got == 0) return;
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(got));
    if (hash_) hash_->update(bytes);
    size_ += bytes.size();
  }
}

void PartFile::restart() {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) fail_io("emptying", errno);
  size_ = 0;
  start_hash();
}

void PartFile::append(std::span<const std::byte> bytes) {
  if (info_.size && bytes.size() > *info_.size - size_) {
    discard();
    fail(ErrorCode::kInvalid, where_,
         "more bytes came than the {} that the hub promised; the part was deleted", *info_.size);
  }
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_io("writing", errno);
    const auto written = bytes.first(static_cast<std::size_t>(put));
    if (hash_) hash_->update(written);
    bytes = bytes.subspan(written.size());
    size_ += written.size();
  }
}

std::string PartFile::mismatch() {
  if (info_.size && size_ != *info_.size)
    return fmt::format("{} bytes came, {} were promised", size_, *info_.size);
  if (!hash_) return {};
  const std::string got = hash_->finish();
  if (got == info_.etag) return {};
  return fmt::format("the checksum is {}, expected {}", got, info_.etag);
}

void PartFile::commit() {
  if (::fsync(descriptor_) != 0) fail_io("syncing", errno);
  if (::rename(part_.c_str(), blob_.c_str()) != 0) fail_io("renaming", errno);
  ::close(descriptor_);
  descriptor_ = -1;
}

void PartFile::discard() {
  std::error_code ignored;
  fs::remove(part_, ignored);
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace swiftlet::hub
