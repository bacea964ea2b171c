#include "swiftlet/io/gguf.h"

#include <cmath>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_layout.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

std::string GgufFile::where_key(std::string_view key) const {
  return fmt::format("{}: key '{}'", where_, printable(key));
}

std::string GgufFile::where_tensor(std::string_view name) const {
  return fmt::format("{}: tensor '{}'", where_, printable(name));
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

Buffer GgufFile::bytes(const GgufTensor& tensor) const {
  return file_.slice(tensor.begin, tensor.bytes);
}

Buffer GgufFile::bytes(const GgufValue& value) const {
  return file_.slice(value.offset, value.count * gguf_bytes(value.kind));
}

void GgufFile::wrong_type(std::string_view key, std::string_view expected) const {
  constexpr std::string_view kNames[]{"u8",   "i8",     "u16",      "i16", "u32", "i32", "f32",
                                      "bool", "string", "an array", "u64", "i64", "f64"};
  const GgufValue& value = values_.at(key);
  const std::string_view name = kNames[static_cast<std::size_t>(value.kind)];
  fail(ErrorCode::kInvalid, where_key(key), "expected {}, came {}{}", expected,
       value.is_array ? "an array of " : "", name);
}

const GgufValue* GgufFile::scalar(std::string_view key, std::string_view expected) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return nullptr;
  if (found->second.is_array) wrong_type(key, expected);
  return &found->second;
}

std::int64_t GgufFile::integer_at(const GgufValue& value, std::uint64_t index, std::string_view key) const {
  const std::byte* at = file_.data() + value.offset + index * gguf_bytes(value.kind);
  switch (value.kind) {
    case GgufKind::kU8:
      return load<std::uint8_t>(at);
    case GgufKind::kI8:
      return load<std::int8_t>(at);
    case GgufKind::kU16:
      return load<std::uint16_t>(at);
    case GgufKind::kI16:
      return load<std::int16_t>(at);
    case GgufKind::kU32:
      return load<std::uint32_t>(at);
    case GgufKind::kI32:
      return load<std::int32_t>(at);
    case GgufKind::kI64:
      return load<std::int64_t>(at);
    case GgufKind::kU64: {
      const auto number = load<std::uint64_t>(at);
      require(std::in_range<std::int64_t>(number), where_key(key), "expected an integer of 63 bits, came {}",
              number);
      return static_cast<std::int64_t>(number);
    }
    default:
      wrong_type(key, "an integer");
  }
}

double GgufFile::number_at(const GgufValue& value, std::uint64_t index, std::string_view key) const {
  const std::byte* at = file_.data() + value.offset + index * gguf_bytes(value.kind);
  double number = 0;
  if (value.kind == GgufKind::kF32)
    number = load<float>(at);
  else if (value.kind == GgufKind::kF64)
    number = load<double>(at);
  else if (value.kind == GgufKind::kBool || value.kind == GgufKind::kString || value.kind == GgufKind::kArray)
    wrong_type(key, "a number");
  else
    number = static_cast<double>(integer_at(value, index, key));
  require(std::isfinite(number), where_key(key), "expected a finite number, came {}", number);
  return number;
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = scalar(key, "an integer");
  if (value == nullptr) return std::nullopt;
  return integer_at(*value, 0, key);
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufValue* value = scalar(key, "a number");
  if (value == nullptr) return std::nullopt;
  return number_at(*value, 0, key);
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* value = scalar(key, "true or false");
  if (value == nullptr) return std::nullopt;
  if (value->kind != GgufKind::kBool) wrong_type(key, "true or false");
  return file_.data()[value->offset] != std::byte{0};
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
  const GgufValue* value = scalar(key, "a string");
  if (value == nullptr) return std::nullopt;
  return texts(key).front();
}

std::vector<std::int64_t> GgufFile::integers(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return {};
  const GgufValue& value = found->second;
  if (value.kind == GgufKind::kArray) wrong_type(key, "integers");
  std::vector<std::int64_t> list(value.count);
  const std::byte* bits = file_.data() + value.offset;
  for (std::uint64_t i = 0; i < value.count; ++i)
    list[i] =
        value.kind == GgufKind::kBool ? std::int64_t{bits[i] != std::byte{0}} : integer_at(value, i, key);
  return list;
}

std::vector<double> GgufFile::numbers(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return {};
  const GgufValue& value = found->second;
  if (value.kind == GgufKind::kArray) wrong_type(key, "numbers");
  std::vector<double> list(value.count);
  for (std::uint64_t i = 0; i < value.count; ++i) list[i] = number_at(value, i, key);
  return list;
}

std::vector<std::string_view> GgufFile::texts(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return {};
  const GgufValue& value = found->second;
  if (value.kind != GgufKind::kString) wrong_type(key, value.is_array ? "strings" : "a string");
  std::vector<std::string_view> list;
  list.reserve(value.count);
  std::uint64_t at = value.offset;
  for (std::uint64_t i = 0; i < value.count; ++i) {
    // Checked when the file was opened; but a mapped file may have changed since.
    if (file_.size() - at < 8) fail(ErrorCode::kIo, where_key(key), "changed while it was read");
    const auto length = load<std::uint64_t>(file_.data() + at);
    if (length > file_.size() - at - 8) fail(ErrorCode::kIo, where_key(key), "changed while it was read");
    list.emplace_back(reinterpret_cast<const char*>(file_.data() + at + 8), length);
    at += 8 + length;
  }
  return list;
}

}  // namespace swiftlet
