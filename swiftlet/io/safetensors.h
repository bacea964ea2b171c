// safetensors: named tensors in one file, mapped for reading and streamed for writing.
//
//   u64 little endian   length of the header, at most 100 MB
//   header              JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//                              "__metadata__": {"key": "string"}}
//   data                the tensors, back to back in the order of their offsets: no holes, no overlaps
//
// Tensors share the mapping of the file, which lives as long as any of them. Any thread may read one file
// object; a writer belongs to one thread. Format: https://huggingface.co/docs/safetensors
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/file.h"
#include "swiftlet/core/tensor.h"

namespace swiftlet {

constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // bytes, counted from the start of the file

  std::uint64_t bytes() const { return end - begin; }
};

class SafetensorsFile {
 public:
  // Maps the file and checks the whole header: every size, offset, name and string. Throws kInvalid naming
  // file and tensor, kUnsupported for dtypes without a place in DType (F8_E4M3, ...), and as map_file.
  static SafetensorsFile open(const std::filesystem::path& path);
  // The same for bytes that are already there; `where` names them in errors.
  static SafetensorsFile parse(Buffer file, std::string where);

  const std::string& where() const { return where_; }
  std::string where(std::string_view tensor) const;  // "model.safetensors: tensor 'x'"
  // In the order of the data.
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  const SafetensorsEntry* find(std::string_view name) const;
  const SafetensorsMetadata& metadata() const { return metadata_; }
  std::string_view header() const { return header_; }  // as it stands in the file, with its padding
  std::uint64_t data_offset() const { return 8 + header_.size(); }

  // Throws kIo when the file was cut short, see mapped_file.h.
  void check_file() const;
  // The tensor's bytes in the mapping.
  Buffer bytes(const SafetensorsEntry& entry) const;
  // A tensor that shares the mapping. Data that other programs left unaligned to its type is copied.
  Tensor tensor(const SafetensorsEntry& entry) const;
  Tensor tensor(std::string_view name) const;  // throws kNotFound

 private:
  void parse_header();
  void check_layout();

  Buffer file_;
  std::string where_;
  std::string_view header_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
  SafetensorsMetadata metadata_;
};

// "F32", "BF16", ...: the names of the format.
std::string_view safetensors_dtype(DType type);

struct SafetensorsDeclaration {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};

// Length field and header as the writer puts them, padded with spaces so that the data begins at a multiple
// of `alignment` (a power of two, at least 8) and not before `least_bytes`. Throws kInvalid for strings that
// are not UTF-8, names that come twice and sizes that overflow.
std::string safetensors_header(std::span<const SafetensorsDeclaration> declarations,
                               const SafetensorsMetadata& metadata, std::size_t alignment,
                               std::string_view where, std::size_t least_bytes = 0);

// Writes header and tensors in one pass; only one tensor need be in memory at a time. The file appears with
// commit(), whole or not at all.
class SafetensorsWriter {
 public:
  // The header gets `room` bytes more than it needs, for metadata that become known later. Throws as
  // safetensors_header, and kIo when the file cannot be created.
  SafetensorsWriter(std::filesystem::path path, std::vector<SafetensorsDeclaration> declarations,
                    const SafetensorsMetadata& metadata = {}, std::size_t alignment = 8,
                    std::size_t room = 0);

  // The tensors must come in the order of their declarations, each with exactly its declared bytes: whole, or
  // begun and appended to piece by piece.
  void write(std::string_view name, std::span<const std::byte> bytes);
  void begin(std::string_view name);
  void append(std::span<const std::byte> bytes);
  // Length field and header with other metadata, as long as the one in the file. Throws kInvalid when they do
  // not fit.
  std::string header_with(const SafetensorsMetadata& metadata) const;
  // Puts such a header in the place of the one in the file; the data stay where they are.
  void rewrite_header(std::string_view header);
  // Whether all tensors are written.
  bool is_whole() const { return next_ == declarations_.size() && file_.size() == due_; }
  // See OutputFile.
  const std::filesystem::path& aside() const { return file_.aside(); }
  void commit();

 private:
  std::string where_;
  std::size_t alignment_;
  std::vector<SafetensorsDeclaration> declarations_;
  std::size_t header_bytes_ = 0;
  std::size_t next_ = 0;   // tensors begun
  std::uint64_t due_ = 0;  // size of the file when the tensor begun last is whole
  OutputFile file_;
};

}  // namespace swiftlet
