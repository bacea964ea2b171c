#include "swiftlet/io/zip_archive.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEnd = 0x06054b50,
                        kEnd64 = 0x06064b50, kEnd64Place = 0x07064b50;
constexpr std::uint64_t kLocalBytes = 30, kEntryBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                        kEnd64PlaceBytes = 20, kLongestComment = 65535;

class Reader {
 public:
  Reader(const Buffer& archive, const std::string& where) : archive_(archive), where_(where) {}

  std::map<std::string, Buffer, std::less<>> read() {
    find_directory();
    std::map<std::string, Buffer, std::less<>> files;
    for (std::uint64_t i = 0; i < entries_; ++i) read_entry(files);
    return files;
  }

 private:
  template <class T>
  T number(std::uint64_t at) const {
    check(at, sizeof(T));
    T value{};
    std::memcpy(&value, archive_.data() + at, sizeof value);
    return value;
  }
  void check(std::uint64_t at, std::uint64_t bytes) const {
    require(at <= archive_.size() && bytes <= archive_.size() - at, where_,
            "expected {} bytes of the archive at byte {}, it has {}: is it truncated?", bytes, at,
            archive_.size());
  }

  // The end record stands last but for a comment, so it is looked for from behind.
  void find_directory() {
    require(archive_.size() >= kEndBytes, where_, "is {} bytes, an archive has at least {}", archive_.size(),
            kEndBytes);
    std::uint64_t end = archive_.size() - kEndBytes;
    const std::uint64_t least = end - std::min(end, kLongestComment);
    while (number<std::uint32_t>(end) != kEnd) {
      require(end > least, where_, "has no directory of its files at the end: is it truncated?");
      --end;
    }
    entries_ = number<std::uint16_t>(end + 10);
    at_ = number<std::uint32_t>(end + 16);
    if (end < kEnd64PlaceBytes || number<std::uint32_t>(end - kEnd64PlaceBytes) != kEnd64Place) return;
    const auto end64 = number<std::uint64_t>(end - kEnd64PlaceBytes + 8);
    check(end64, kEnd64Bytes);
    require(number<std::uint32_t>(end64) == kEnd64, where_, "has no directory of its files at byte {}",
            end64);
    entries_ = number<std::uint64_t>(end64 + 32);
    at_ = number<std::uint64_t>(end64 + 48);
  }

  void read_entry(std::map<std::string, Buffer, std::less<>>& files) {
    check(at_, kEntryBytes);
    require(number<std::uint32_t>(at_) == kDirectoryEntry, where_, "has no entry of its directory at byte {}",
            at_);
    const auto name_bytes = number<std::uint16_t>(at_ + 28), extra = number<std::uint16_t>(at_ + 30),
               comment = number<std::uint16_t>(at_ + 32);
    check(at_ + kEntryBytes, name_bytes);
    std::string name(reinterpret_cast<const char*>(archive_.data() + at_ + kEntryBytes), name_bytes);
    const std::string place = fmt::format("{}: {}", where_, printable(name));
    if (number<std::uint16_t>(at_ + 8) & 1) fail(ErrorCode::kUnsupported, place, "is encrypted");
    if (number<std::uint16_t>(at_ + 10) != 0)
      fail(ErrorCode::kUnsupported, place, "is compressed: only archives as torch.save writes them are read");
    Sizes sizes{number<std::uint32_t>(at_ + 24), number<std::uint32_t>(at_ + 20),
                number<std::uint32_t>(at_ + 42)};
    widen(sizes, at_ + kEntryBytes + name_bytes, extra);
    require(sizes.stored == sizes.whole, place, "has {} bytes in the archive and {} outside", sizes.stored,
            sizes.whole);
    check(sizes.header, kLocalBytes);
    require(number<std::uint32_t>(sizes.header) == kLocalHeader, place, "does not begin at byte {}",
            sizes.header);
    const std::uint64_t begin = sizes.header + kLocalBytes + number<std::uint16_t>(sizes.header + 26) +
                                number<std::uint16_t>(sizes.header + 28);
    check(begin, sizes.whole);
    require(files.emplace(std::move(name), archive_.slice(begin, sizes.whole)).second, place,
            "is twice in the archive");
    at_ += kEntryBytes + name_bytes + extra + comment;
  }

  struct Sizes {
    std::uint64_t whole, stored, header;
  };

  // What does not fit into 32 bits stands in an extra field, in this order.
  void widen(Sizes& sizes, std::uint64_t at, std::uint64_t bytes) const {
    constexpr std::uint16_t kWide = 1;
    check(at, bytes);
    for (const std::uint64_t end = at + bytes; at + 4 <= end;) {
      const auto id = number<std::uint16_t>(at), length = number<std::uint16_t>(at + 2);
      at += 4;
      if (id == kWide) {
        std::uint64_t next = at;
        for (std::uint64_t* size : {&sizes.whole, &sizes.stored, &sizes.header}) {
          if (*size != 0xffffffff) continue;
          *size = number<std::uint64_t>(next);
          next += 8;
        }
      }
      at += length;
    }
  }

  const Buffer& archive_;
  const std::string& where_;
  std::uint64_t entries_ = 0, at_ = 0;  // of the directory
};

}  // namespace

bool looks_like_zip(const Buffer& bytes) {
  std::uint32_t first = 0;
  if (bytes.size() >= sizeof first) std::memcpy(&first, bytes.data(), sizeof first);
  return first == kLocalHeader;
}

std::map<std::string, Buffer, std::less<>> read_zip(const Buffer& archive, const std::string& where) {
  return Reader(archive, where).read();
}

}  // namespace swiftlet
