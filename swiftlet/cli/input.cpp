#include "swiftlet/cli/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace swiftlet::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // of a line, or of all that is read as one text

}  // namespace

Input::Input(const std::string& path, const Job& job)
    : name_(path == "-" ? "standard input" : path), job_(&job) {
  if (path == "-") {
    descriptor_ = 0;
    return;
  }
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    const int error = errno;
    fail(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo, name_,
         "cannot be opened: {}", errno_text(error));
  }
}

Input::~Input() {
  if (descriptor_ > 0) ::close(descriptor_);
}

// Reads one more piece; false at the end.
bool Input::fill() {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  if (ended_) return false;
  if (before_wait_) before_wait_();
  const std::size_t size = buffer_.size();
  require(size - start_ <= kMostBytes, name_, "more than {} bytes came in one piece, the limit here",
          kMostBytes);
  buffer_.resize(size + kPiece);
  ssize_t got = -1;
  while (got < 0) {
    if (job_->cancelled()) fail(ErrorCode::kCancelled, name_, "interrupted");
    got = ::read(descriptor_, buffer_.data() + size, kPiece);
    if (got < 0 && errno != EINTR) fail(ErrorCode::kIo, name_, "cannot be read: {}", errno_text(errno));
  }
  buffer_.resize(size + std::size_t(got));
  ended_ = got == 0;
  return !ended_;
}

void Input::check_start() {
  if (started_) return;
  started_ = true;
  while (buffer_.size() < 3 && fill()) {
  }
  if (buffer_.starts_with("\x1f\x8b"))
    fail(ErrorCode::kUnsupported, name_, "a plain text was expected, this is gzip data; unpack it first");
  if (buffer_.starts_with("\xef\xbb\xbf")) start_ = 3;
}

std::optional<std::string> Input::line() {
  check_start();
  std::size_t from = start_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', from);
    if (end != std::string::npos) {
      std::string text = buffer_.substr(start_, end - start_);
      start_ = end + 1;
      if (text.ends_with('\r')) text.pop_back();
      return text;
    }
    buffer_.erase(0, start_);
    start_ = 0;
    from = buffer_.size();
    if (fill()) continue;
    if (buffer_.empty()) return std::nullopt;
    if (buffer_.ends_with('\r')) buffer_.pop_back();
    std::string last;
    last.swap(buffer_);
    return last;
  }
}

std::vector<std::string> Input::lines() {
  std::vector<std::string> result;
  while (auto text = line()) result.push_back(std::move(*text));
  return result;
}

std::string Input::all() {
  check_start();
  while (fill()) {
  }
  std::string text = buffer_.substr(start_);
  buffer_.clear();
  start_ = 0;
  return text;
}

bool stdin_is_terminal() {
  return ::isatty(0) == 1;
}

}  // namespace swiftlet::cli
