#include "swiftlet/core/text_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

// An open file, or standard input, which stays open.
class File {
 public:
  explicit File(const std::string& path) {
    if (path == "-") return;
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) {
      const int error = errno;
      fail(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo, path,
           "cannot be opened: {}", errno_text(error));
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && S_ISDIR(status.st_mode)) {
      ::close(descriptor_);
      fail(ErrorCode::kIo, path, "is a folder, expected a file");
    }
  }
  ~File() {
    if (descriptor_ > 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // As read(2), but for interrupts.
  std::size_t read(unsigned char* out, std::size_t bytes, const std::string& name, const Job* job) const {
    for (;;) {
      if (job != nullptr && job->cancelled()) fail(ErrorCode::kCancelled, name, "interrupted");
      const ssize_t got = ::read(descriptor_, out, bytes);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) fail(ErrorCode::kIo, name, "cannot be read: {}", errno_text(errno));
    }
  }

 private:
  int descriptor_ = 0;
};

// One z_stream for its life.
struct Inflater {
  z_stream state{};
  bool member_done = false;

  explicit Inflater(const std::string& name) {
    // 16 + window bits: a gzip wrapper is expected, nothing else.
    if (inflateInit2(&state, 16 + MAX_WBITS) != Z_OK) fail(ErrorCode::kMemory, name, "no memory to inflate");
  }
  ~Inflater() { inflateEnd(&state); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

// The bytes of the file, inflated where they are gzip.
struct TextSource::Stream {
  std::string name;
  File file;
  const Job* job;
  std::function<void()> before_wait;
  std::vector<unsigned char> input = std::vector<unsigned char>(kChunkBytes);
  std::size_t begin = 0, end = 0;  // what of `input` is unused
  std::unique_ptr<Inflater> inflater;

  Stream(const std::string& path, std::string shown, TextSourceOptions& options)
      : name(std::move(shown)), file(path), job(options.job), before_wait(std::move(options.before_wait)) {}

  // Looks at the first bytes, of which a pipe may deliver one at a time.
  void start() {
    while (end < 2) {
      const std::size_t got = receive(end);
      if (got == 0) break;
      end += got;
    }
    if (end >= 2 && input[0] == 0x1f && input[1] == 0x8b) inflater = std::make_unique<Inflater>(name);
  }

  std::size_t receive(std::size_t at) {
    if (before_wait) before_wait();
    return file.read(input.data() + at, input.size() - at, name, job);
  }

  // False at the end of the file.
  bool refill() {
    begin = 0;
    end = receive(0);
    return end > 0;
  }

  std::size_t read(char* out, std::size_t bytes) {
    return inflater ? read_gzip(out, bytes) : read_plain(out, bytes);
  }

  std::size_t read_plain(char* out, std::size_t bytes) {
    if (begin == end && !refill()) return 0;
    const std::size_t count = std::min(bytes, end - begin);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(begin), count, out);
    begin += count;
    return count;
  }

  std::size_t read_gzip(char* out, std::size_t bytes) {
    z_stream& state = inflater->state;
    state.next_out = reinterpret_cast<Bytef*>(out);
    state.avail_out = static_cast<uInt>(bytes);
    while (state.avail_out == bytes) {
      if (begin == end && !refill()) {
        require(inflater->member_done, name, "the gzip data are truncated");
        return 0;
      }
      if (inflater->member_done && !start_member()) return 0;
      state.next_in = input.data() + begin;
      state.avail_in = static_cast<uInt>(end - begin);
      const int status = inflate(&state, Z_NO_FLUSH);
      begin = end - state.avail_in;
      require(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, name,
              "the gzip data are damaged: {}", state.msg != nullptr ? state.msg : "unexpected dictionary");
      inflater->member_done = status == Z_STREAM_END;
    }
    return bytes - state.avail_out;
  }

  // Behind a member may follow another one, or zeros that fill a tape block. False when only zeros are left.
  bool start_member() {
    if (input[begin] == 0) {
      do {
        while (begin < end && input[begin] == 0) ++begin;
        require(begin == end, name, "unknown bytes follow the gzip data");
      } while (refill());
      return false;
    }
    inflater->member_done = false;
    return inflateReset(&inflater->state) == Z_OK;
  }
};

TextSource::TextSource(const std::filesystem::path& path, TextSourceOptions options)
    : name_(path == "-" ? "standard input" : path.string()),
      limit_(options.limit),
      stream_(std::make_unique<Stream>(path.string(), name_, options)),
      buffer_(kChunkBytes) {}

TextSource::~TextSource() = default;

bool TextSource::fill() {
  if (!started_) {
    start();
    if (position_ < filled_) return true;
  }
  position_ = 0;
  filled_ = stream_->read(buffer_.data(), buffer_.size());
  delivered_ += filled_;
  require(delivered_ <= limit_, name_, "holds more than {} bytes of text, the limit here", limit_);
  return filled_ > 0;
}

void TextSource::start() {
  started_ = true;
  stream_->start();
  // A pipe or a gzip block may deliver less than the mark's three bytes at once.
  while (filled_ < 3) {
    const std::size_t got = stream_->read(buffer_.data() + filled_, buffer_.size() - filled_);
    if (got == 0) break;
    filled_ += got;
  }
  delivered_ = filled_;
  require(delivered_ <= limit_, name_, "holds more than {} bytes of text, the limit here", limit_);
  const std::string_view start(buffer_.data(), filled_);
  require(!start.starts_with("\xff\xfe") && !start.starts_with("\xfe\xff"), name_,
          "is UTF-16 text, expected UTF-8");
  if (start.starts_with("\xef\xbb\xbf")) position_ = 3;
}

bool LineReader::next(std::string& line) {
  line.clear();
  if (source_.peek() == TextSource::kEnd) return false;
  ++line_;
  for (int byte = source_.get(); byte != TextSource::kEnd && byte != '\n'; byte = source_.get()) {
    if (line.size() == line_limit_) [[unlikely]]
      fail(ErrorCode::kInvalid, where(), "the line is longer than {} bytes", line_limit_);
    line += static_cast<char>(byte);
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::string LineReader::rest() {
  std::string text;
  for (int byte = source_.get(); byte != TextSource::kEnd; byte = source_.get()) {
    require(text.size() < line_limit_, source_.name(), "holds more than {} bytes of text, the limit here",
            line_limit_);
    text += static_cast<char>(byte);
  }
  return text;
}

std::string LineReader::where() const {
  return fmt::format("{}:{}", source_.name(), line_);
}

std::string read_text(const std::filesystem::path& path, std::uint64_t limit) {
  TextSource source(path, {.limit = limit});
  std::string text;
  for (int byte = source.get(); byte != TextSource::kEnd; byte = source.get())
    text += static_cast<char>(byte);
  return text;
}

std::vector<std::string> read_lines(const std::filesystem::path& path, std::uint64_t limit) {
  LineReader reader(path, {.limit = limit});
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

}  // namespace swiftlet
