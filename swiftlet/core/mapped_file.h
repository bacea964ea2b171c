// Files that are mapped, and what happens when one shrinks under its mapping.
//
// Pages behind the new end of such a file no longer exist. Touching one raises SIGBUS, which by default ends
// the process; the kernel offers no other way to tell. So the first mapping installs a handler for SIGBUS:
// where the address lies in a file that is mapped here, the handler puts zeros in the place of what is gone
// and marks the mapping, and the work goes on. Whoever finishes a piece of work (a tensor, a step of an
// engine) asks for the mark and throws. The result of that piece is wrong and is dropped; nothing crashes.
//
// Faults at other addresses go to the handler that was there before, or end the process as they would have.
// guard_mapped_files(false) leaves the signal alone.
//
// Mappings are listed in a fixed table of atomics, which the handler reads without a lock: it calls nothing
// but mmap, sigaction and raise. Any thread may call any of these functions.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "swiftlet/export.h"

namespace swiftlet {

// A read-only shared mapping and its open file. Not copied, not moved: the table knows its address.
class MappedFile {
 public:
  // Takes over `descriptor`, a regular file of `bytes` > 0 bytes. Throws kMemory when there is no room for
  // one more mapping.
  MappedFile(int descriptor, std::size_t bytes, std::string path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Whether the file is shorter than it was when it was mapped, or a page of it could not be read.
  bool shrank() const;
  const std::string& path() const { return path_; }

 private:
  void close() noexcept;

  std::string path_;
  int descriptor_;
  const std::byte* data_ = nullptr;
  std::size_t size_;
  std::size_t slot_ = 0;
};

// Throws kIo "[path] was cut short while it was in use" when `bytes` belong to a mapped file that shrank.
// Costs one system call for mapped bytes.
void check_mapped(std::span<const std::byte> bytes);

// Whether the handler has marked any mapping that still lives: one load, for the end of every step.
bool any_mapping_marked() noexcept;

// Gives the pages of mapped bytes back to the system; they are read again when they are touched again. Does
// nothing for other memory. Keeps a walk through a large file from filling the memory with it.
void release_mapped(std::span<const std::byte> bytes) noexcept;

// Whether this process may have its handler for SIGBUS; it may from the start. Turning it off takes the
// handler away where it is still in place.
SWIFTLET_API void guard_mapped_files(bool on);

}  // namespace swiftlet
