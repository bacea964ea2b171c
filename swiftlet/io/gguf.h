// GGUF, versions 2 and 3: the container. What the metadata mean is the affair of gguf_model.h and
// gguf_vocabulary.h.
//
//   "GGUF" | u32 version | u64 tensors | u64 key-values
//   key-values   key string | u32 type | value     an array: u32 type of its elements | u64 count | elements
//   tensors      name string | u32 rank | u64 extents, the contiguous one first | u32 type | u64 offset
//   padding to general.alignment (32 unless the key says otherwise), then the data that the offsets count
//   from
//
// A string is u64 length | bytes. All is little endian. The file is mapped and stays so: keys, strings and
// tensors point into it, and live as long as the GgufFile or a Buffer of it. Any thread may read one.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/buffer.h"
#include "swiftlet/core/shape.h"
#include "swiftlet/encoding/ggml_blocks.h"

namespace swiftlet {

enum class GgufKind : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// Where a value lies. Scalars are arrays of one.
struct GgufValue {
  GgufKind kind = GgufKind::kU8;  // of the elements; kArray: an array of arrays, which nothing reads
  bool is_array = false;
  std::uint64_t count = 1;
  std::uint64_t offset = 0;  // of the first element in the file
};

struct GgufTensor {
  std::string_view name;
  Shape shape;  // row-major: the contiguous extent last, other than in the file
  const GgmlType* type = nullptr;
  std::uint64_t begin = 0, bytes = 0;  // counted from the start of the file

  std::int64_t row() const { return shape[-1]; }  // elements
};

class GgufFile {
 public:
  // Maps the file and checks header, key-values and tensors: every size, count, offset, type and name. Throws
  // kInvalid naming file and place, kUnsupported for other versions, byte orders and tensor types, and as
  // map_file.
  static GgufFile open(const std::filesystem::path& path);
  // The same for bytes that are already there; `where` names them in errors.
  static GgufFile parse(Buffer file, std::string where);

  const std::string& where() const { return where_; }
  std::string where_key(std::string_view key) const;      // "model.gguf: key 'x'"
  std::string where_tensor(std::string_view name) const;  // "model.gguf: tensor 'x'"

  // In the order of the file. No two share a name or a byte.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* find(std::string_view name) const;
  Buffer bytes(const GgufTensor& tensor) const;

  const std::map<std::string_view, GgufValue>& values() const { return values_; }
  // REQUIRES: neither strings nor arrays.
  Buffer bytes(const GgufValue& value) const;
  bool has(std::string_view key) const { return values_.contains(key); }
  // nullopt when the key is missing; throws kInvalid when its value is of another type or out of range.
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> text(std::string_view key) const;
  // A scalar counts as a list of one; empty when the key is missing.
  std::vector<std::int64_t> integers(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  std::vector<std::string_view> texts(std::string_view key) const;

 private:
  friend class GgufReader;
  const GgufValue* scalar(std::string_view key, std::string_view expected) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view expected) const;
  std::int64_t integer_at(const GgufValue& value, std::uint64_t index, std::string_view key) const;
  double number_at(const GgufValue& value, std::uint64_t index, std::string_view key) const;

  Buffer file_;
  std::string where_;
  std::map<std::string_view, GgufValue> values_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string_view, std::size_t> index_;
};

}  // namespace swiftlet
