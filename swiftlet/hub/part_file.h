// A blob as it arrives: ETAG.incomplete, appended to, hashed on the way, renamed when all is there and right.
//
// The hub names files of large storage by their SHA-256 and others by git's SHA-1 of a blob; ETags of another
// form cannot be checked. What was there before is hashed when it is opened, and gone on with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "swiftlet/hub/client.h"
#include "swiftlet/io/sha256.h"

namespace swiftlet::hub {

class PartFile {
 public:
  // `where` names the file in errors. Throws kIo.
  PartFile(std::filesystem::path blob, FileInfo info, std::string where);
  ~PartFile();  // what arrived stays, to go on with
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  // Drops everything from byte 0 on.
  void restart();
  // Throws kIo ("No space left on device"), and kInvalid for more bytes than the hub promised.
  void append(std::span<const std::byte> bytes);
  bool complete() const { return info_.size && size_ == *info_.size; }
  bool checked() const { return hash_ != nullptr; }
  // Why the bytes are not those that the hub promised; empty when they are. Spends the hash.
  std::string mismatch();
  void commit();
  void discard();

 private:
  void start_hash();
  void hash_existing();
  [[noreturn]] void fail_io(const char* what, int error_number) const;

  std::filesystem::path blob_, part_;
  FileInfo info_;
  std::string where_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::unique_ptr<Hash> hash_;
};

}  // namespace swiftlet::hub
