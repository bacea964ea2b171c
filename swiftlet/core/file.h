// Files: mapping for reading, and writing that leaves either the old file or the whole new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/buffer.h"

namespace swiftlet {

// Maps `path` read-only. The mapping lives as long as any slice of the buffer. Throws kNotFound (no such
// file), kIo (no permission, a folder). An empty file gives an empty buffer. mapped_file.h tells what happens
// when the file shrinks meanwhile.
Buffer map_file(const std::filesystem::path& path);

// The whole file as text; refuses files over `limit` bytes (kInvalid), so that a wrong path cannot fill the
// memory.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = std::size_t{256} << 20);

// Makes a folder and those above it, where they are not there. Throws kIo.
void make_folder(const std::filesystem::path& folder);

// The regular files in `path` and the folders below, sorted; `path` itself where it is no folder. Throws kIo.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& path);
// What `path` is of `whole`: `whole` itself, or something that lies in it, links followed; empty when
// neither.
std::filesystem::path part_of(const std::filesystem::path& whole, const std::filesystem::path& path);

// A file that appears whole or not at all: written aside as "<name>.<pid>.tmp" in the same folder, synced and
// renamed by commit(); removed when destroyed before that. What a process that was killed left aside is
// swept, with a warning that names it, when the next writer of the same target opens: the writer of a
// temporary holds a lock on it, so one without a lock has lost its writer. A link is followed. What exists
// and is no regular file (/dev/null, a pipe) is written to directly. Two writers of one target do not disturb
// each other; the last commit stays.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);  // throws kIo: "No space left on device", ...
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  // Overwrites at `offset`, which must lie inside what is already written.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  std::uint64_t size() const { return size_; }
  // Where the bytes are until commit(), for reading them back; empty when they go to the target directly.
  const std::filesystem::path& aside() const { return temporary_; }
  void commit();

 private:
  void open_aside();
  void discard() noexcept;
  [[noreturn]] void fail_io(std::string_view what, int error_number) const;
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace swiftlet
