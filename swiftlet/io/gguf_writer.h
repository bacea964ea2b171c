// Writing GGUF, version 3: the container (gguf.h draws it). What stands in it is the affair of gguf_export.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/file.h"
#include "swiftlet/core/shape.h"
#include "swiftlet/io/gguf.h"

namespace swiftlet {

// Key-values on their way into a file, in the order in which they are added. REQUIRES: every key once.
class GgufMetadata {
 public:
  void text(std::string_view key, std::string_view value);
  void u32(std::string_view key, std::int64_t value);
  void f32(std::string_view key, double value);
  void boolean(std::string_view key, bool value);
  void texts(std::string_view key, const std::vector<std::string>& values);
  void booleans(std::string_view key, const std::vector<bool>& values);
  void i32s(std::string_view key, const std::vector<std::int32_t>& values);
  void f32s(std::string_view key, const std::vector<float>& values);
  void u8s(std::string_view key, std::string_view bytes);
  // The values of another file whose keys begin with `prefix`, as they are.
  void copy(const GgufFile& file, std::string_view prefix);

  void append(const GgufMetadata& others);

  bool has(std::string_view key) const { return keys_.contains(key); }
  std::uint64_t count() const { return keys_.size(); }
  const std::string& bytes() const { return bytes_; }

 private:
  void begin(std::string_view key, GgufKind kind);
  void begin_array(std::string_view key, GgufKind kind, std::size_t count);

  std::set<std::string, std::less<>> keys_;
  std::string bytes_;
};

struct GgufDeclaration {
  std::string name;
  Shape shape;  // row-major: the contiguous extent last
  const GgmlType* type = nullptr;
};

// Streams the tensors, in the order in which they are declared. The file appears at commit().
class GgufWriter {
 public:
  // Throws kIo, and kInvalid for rows that do not divide into blocks.
  GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
             std::vector<GgufDeclaration> tensors);

  // Bytes of the next tensor, in as many calls as wanted.
  void append(std::span<const std::byte> bytes);
  void end_tensor();
  // Where the file is until commit().
  const std::filesystem::path& aside() const { return file_.aside(); }
  // REQUIRES: every tensor is there.
  void commit();

 private:
  std::uint64_t bytes_of(const GgufDeclaration& tensor) const;
  void pad();

  std::vector<GgufDeclaration> tensors_;
  std::size_t next_ = 0;
  std::uint64_t written_ = 0;  // of the tensor
  OutputFile file_;
};

}  // namespace swiftlet
