#include "swiftlet/cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "swiftlet/core/error.h"

namespace swiftlet::cli {

void Output::write(std::string_view text) {
  constexpr std::size_t kLimit = std::size_t{1} << 16;
  pending_ += text;
  if (pending_.size() >= kLimit) flush();
}

void Output::flush() {
  std::string text;
  text.swap(pending_);  // a text that cannot be written is not tried again
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(std::size_t(written));
    } else if (errno == EPIPE) {
      throw OutputClosed{};
    } else if (errno != EINTR) {
      fail(ErrorCode::kIo, "standard output", "cannot be written: {}", errno_text(errno));
    }
  }
}

void reserve_standard_streams() {
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is the closed stream's. Reading only: writes to it still fail.
    if (::open("/dev/null", descriptor == 2 ? O_WRONLY : O_RDONLY) != descriptor) return;
  }
}

bool AnswerStream::write(std::string_view piece) noexcept {
  try {
    out_.write(piece);
    out_.flush();
  } catch (...) {
    broken_ = std::current_exception();
  }
  if (!piece.empty()) ends_line_ = piece.back() == '\n';
  return !broken_;
}

void AnswerStream::finish() {
  if (broken_) std::rethrow_exception(broken_);
  if (!ends_line_) out_.write("\n");
  out_.flush();
}

void write_stderr(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace swiftlet::cli
