// Reading text files of any size in bounded memory, plain or gzip (told by the first bytes, not by the name).
//
// UTF-8; a byte order mark at the start is skipped. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace swiftlet {

// More text than this is refused unless a caller says otherwise: a small .gz can inflate to terabytes.
inline constexpr std::uint64_t kDefaultTextLimit = std::uint64_t{1} << 30;

class TextSource {
 public:
  // Throws kNotFound, kIo (a folder, no permission) or kInvalid (UTF-16; damaged gzip is found while
  // reading).
  explicit TextSource(const std::filesystem::path& path, std::uint64_t limit = kDefaultTextLimit);
  ~TextSource();
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  static constexpr int kEnd = -1;
  // The next byte as 0..255, or kEnd. Throws kIo, or kInvalid for truncated or damaged gzip data and for more
  // than `limit` bytes of (inflated) text.
  int get() {
    const int byte = peek();
    if (byte != kEnd) ++position_;
    return byte;
  }
  int peek() {
    if (position_ == filled_ && !fill()) return kEnd;
    return static_cast<unsigned char>(buffer_[position_]);
  }
  const std::string& name() const { return name_; }

 private:
  struct Stream;
  bool fill();
  void skip_mark();

  std::string name_;
  std::uint64_t limit_, delivered_ = 0;
  std::unique_ptr<Stream> stream_;
  std::vector<char> buffer_;
  std::size_t position_ = 0, filled_ = 0;
};

// Line by line: "\n" and "\r\n" end a line and are cut off; the last may go without.
class LineReader {
 public:
  explicit LineReader(const std::filesystem::path& path, std::uint64_t limit = kDefaultTextLimit)
      : source_(path, limit) {}

  // False at the end. Throws as TextSource does, and kInvalid for a line over 16 MiB.
  bool next(std::string& line);
  // "corpus.jsonl:17": the line that next() gave last, for messages.
  std::string where() const;

 private:
  TextSource source_;
  std::size_t line_ = 0;
};

// The whole file as it is, inflated where it is gzip, without a byte order mark.
std::string read_text(const std::filesystem::path& path, std::uint64_t limit = kDefaultTextLimit);

// One item a line, empty lines included, so that row i of a result belongs to line i.
std::vector<std::string> read_lines(const std::filesystem::path& path,
                                    std::uint64_t limit = kDefaultTextLimit);

}  // namespace swiftlet
