#include "swiftlet/eval/text_source.h"

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
constexpr std::size_t kLineLimit = std::size_t{16} << 20;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open_file(const std::string& name) {
  File file(std::fopen(name.c_str(), "rbe"));
  if (!file)
    fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, name, "cannot be opened: {}",
         errno_text(errno));
  struct stat status {};
  if (::fstat(::fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode))
    fail(ErrorCode::kIo, name, "is a folder, expected a file");
  return file;
}

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
  std::vector<unsigned char> input = std::vector<unsigned char>(kChunkBytes);
  std::size_t begin = 0, end = 0;  // what of `input` is unused
  std::unique_ptr<Inflater> inflater;

  explicit Stream(const std::string& path) : name(path), file(open_file(path)) {
    refill();
    if (end >= 2 && input[0] == 0x1f && input[1] == 0x8b) inflater = std::make_unique<Inflater>(name);
  }

  // False at the end of the file.
  bool refill() {
    begin = 0;
    end = std::fread(input.data(), 1, input.size(), file.get());
    if (end == 0 && std::ferror(file.get()))
      fail(ErrorCode::kIo, name, "cannot be read: {}", errno_text(errno));
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

TextSource::TextSource(const std::filesystem::path& path, std::uint64_t limit)
    : name_(path.string()), limit_(limit), stream_(std::make_unique<Stream>(name_)), buffer_(kChunkBytes) {
  skip_mark();
}

TextSource::~TextSource() = default;

bool TextSource::fill() {
  position_ = 0;
  filled_ = stream_->read(buffer_.data(), buffer_.size());
  delivered_ += filled_;
  require(delivered_ <= limit_, name_, "holds more than {} bytes of text, the limit here", limit_);
  return filled_ > 0;
}

void TextSource::skip_mark() {
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
    if (line.size() == kLineLimit) [[unlikely]]
      fail(ErrorCode::kInvalid, where(), "the line is longer than {} bytes", kLineLimit);
    line += static_cast<char>(byte);
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::string LineReader::where() const {
  return fmt::format("{}:{}", source_.name(), line_);
}

std::string read_text(const std::filesystem::path& path, std::uint64_t limit) {
  TextSource source(path, limit);
  std::string text;
  for (int byte = source.get(); byte != TextSource::kEnd; byte = source.get())
    text += static_cast<char>(byte);
  return text;
}

std::vector<std::string> read_lines(const std::filesystem::path& path, std::uint64_t limit) {
  LineReader reader(path, limit);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

}  // namespace swiftlet
