// Reading texts of any size in bounded memory, from files or standard input, plain or gzip (told by the first
// bytes, not by the name).
//
// UTF-8; a byte order mark at the start is skipped. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/job.h"

namespace swiftlet {

// More text than this is refused unless a caller says otherwise: a small .gz can inflate to terabytes.
inline constexpr std::uint64_t kDefaultTextLimit = std::uint64_t{1} << 30;

struct TextSourceOptions {
  std::uint64_t limit = kDefaultTextLimit;
  // A read that a signal interrupts ends with kCancelled when the job is cancelled.
  const Job* job = nullptr;
  std::function<void()> before_wait = {};  // called before each read that may wait
};

class TextSource {
 public:
  // "-" is standard input. Throws kNotFound or kIo (a folder, no permission). Nothing is read yet.
  explicit TextSource(const std::filesystem::path& path, TextSourceOptions options = {});
  ~TextSource();
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  static constexpr int kEnd = -1;
  // The next byte as 0..255, or kEnd. Throws kIo, or kInvalid for UTF-16, for truncated or damaged gzip data
  // and for more than the limit of (inflated) bytes.
  int get() {
    const int byte = peek();
    if (byte != kEnd) ++position_;
    return byte;
  }
  int peek() {
    if (position_ == filled_ && !fill()) return kEnd;
    return static_cast<unsigned char>(buffer_[position_]);
  }
  // The path, or "standard input".
  const std::string& name() const { return name_; }

 private:
  struct Stream;
  bool fill();
  void start();

  std::string name_;
  std::uint64_t limit_, delivered_ = 0;
  bool started_ = false;
  std::unique_ptr<Stream> stream_;
  std::vector<char> buffer_;
  std::size_t position_ = 0, filled_ = 0;
};

// Line by line: "\n" and "\r\n" end a line and are cut off; the last may go without.
class LineReader {
 public:
  static constexpr std::size_t kLineLimit = std::size_t{16} << 20;
  explicit LineReader(const std::filesystem::path& path, TextSourceOptions options = {},
                      std::size_t line_limit = kLineLimit)
      : source_(path, std::move(options)), line_limit_(line_limit) {}

  // False at the end. Throws as TextSource does, and kInvalid for a line over the limit.
  bool next(std::string& line);
  // What next() has not given, as it is. Throws kInvalid where it is longer than a line may be.
  std::string rest();
  // "corpus.jsonl:17": the line that next() gave last, for messages.
  std::string where() const;

 private:
  TextSource source_;
  std::size_t line_limit_, line_ = 0;
};

// The whole file as it is, inflated where it is gzip, without a byte order mark.
std::string read_text(const std::filesystem::path& path, std::uint64_t limit = kDefaultTextLimit);

// One item a line, empty lines included, so that row i of a result belongs to line i.
std::vector<std::string> read_lines(const std::filesystem::path& path,
                                    std::uint64_t limit = kDefaultTextLimit);

}  // namespace swiftlet
