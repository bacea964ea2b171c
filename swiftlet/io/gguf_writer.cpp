#include "swiftlet/io/gguf_writer.h"

#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_layout.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::array<std::byte, kAlignment> kPadding{};

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

void GgufMetadata::begin(std::string_view key, GgufKind kind) {
  SWIFTLET_ASSERT(keys_.emplace(key).second);
  put_string(bytes_, key);
  put(bytes_, kind);
}

void GgufMetadata::begin_array(std::string_view key, GgufKind kind, std::size_t count) {
  begin(key, GgufKind::kArray);
  put(bytes_, kind);
  put(bytes_, std::uint64_t{count});
}

void GgufMetadata::text(std::string_view key, std::string_view value) {
  begin(key, GgufKind::kString);
  put_string(bytes_, value);
}

void GgufMetadata::u32(std::string_view key, std::int64_t value) {
  SWIFTLET_ASSERT(std::in_range<std::uint32_t>(value));
  begin(key, GgufKind::kU32);
  put(bytes_, static_cast<std::uint32_t>(value));
}

void GgufMetadata::f32(std::string_view key, double value) {
  begin(key, GgufKind::kF32);
  put(bytes_, static_cast<float>(value));
}

void GgufMetadata::boolean(std::string_view key, bool value) {
  begin(key, GgufKind::kBool);
  put(bytes_, std::uint8_t{value});
}

void GgufMetadata::texts(std::string_view key, const std::vector<std::string>& values) {
  begin_array(key, GgufKind::kString, values.size());
  for (const std::string& value : values) put_string(bytes_, value);
}

void GgufMetadata::booleans(std::string_view key, const std::vector<bool>& values) {
  begin_array(key, GgufKind::kBool, values.size());
  for (const bool value : values) put(bytes_, std::uint8_t{value});
}

void GgufMetadata::i32s(std::string_view key, const std::vector<std::int32_t>& values) {
  begin_array(key, GgufKind::kI32, values.size());
  for (const std::int32_t value : values) put(bytes_, value);
}

void GgufMetadata::f32s(std::string_view key, const std::vector<float>& values) {
  begin_array(key, GgufKind::kF32, values.size());
  for (const float value : values) put(bytes_, value);
}

void GgufMetadata::u8s(std::string_view key, std::string_view bytes) {
  begin_array(key, GgufKind::kU8, bytes.size());
  bytes_ += bytes;
}

void GgufMetadata::copy(const GgufFile& file, std::string_view prefix) {
  for (const auto& [key, value] : file.values()) {
    if (!key.starts_with(prefix) || value.kind == GgufKind::kArray) continue;
    if (value.is_array)
      begin_array(key, value.kind, value.count);
    else
      begin(key, value.kind);
    if (value.kind == GgufKind::kString) {
      for (const std::string_view text : file.texts(key)) put_string(bytes_, text);
    } else {
      const Buffer elements = file.bytes(value);
      bytes_.append(reinterpret_cast<const char*>(elements.data()), elements.size());
    }
  }
}

void GgufMetadata::append(const GgufMetadata& others) {
  for (const std::string& key : others.keys_) SWIFTLET_ASSERT(keys_.insert(key).second);
  bytes_ += others.bytes_;
}

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
                       std::vector<GgufDeclaration> tensors)
    : tensors_(std::move(tensors)), file_(path) {
  std::string header = "GGUF";
  put(header, std::uint32_t{3});
  put(header, std::uint64_t{tensors_.size()});
  put(header, metadata.count());
  header += metadata.bytes();
  std::uint64_t offset = 0;
  for (const GgufDeclaration& tensor : tensors_) {
    require(tensor.shape.rank() > 0 && tensor.shape[-1] % tensor.type->block == 0,
            fmt::format("{}: tensor '{}'", path.string(), printable(tensor.name)),
            "rows of {} do not divide into blocks of {}", tensor.shape.to_string(), tensor.type->name);
    put_string(header, tensor.name);
    put(header, static_cast<std::uint32_t>(tensor.shape.rank()));
    for (std::size_t d = tensor.shape.rank(); d-- > 0;) put(header, std::uint64_t(tensor.shape.dims()[d]));
    put(header, tensor.type->id);
    put(header, offset);
    offset += aligned(bytes_of(tensor));
  }
  file_.write(header);
  pad();
}

std::uint64_t GgufWriter::bytes_of(const GgufDeclaration& tensor) const {
  return static_cast<std::uint64_t>(tensor.shape.elements() / tensor.type->block) *
         static_cast<std::uint64_t>(tensor.type->bytes);
}

void GgufWriter::pad() {
  file_.write(std::span(kPadding).first(static_cast<std::size_t>(aligned(file_.size()) - file_.size())));
}

void GgufWriter::append(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  file_.write(bytes);
}

void GgufWriter::end_tensor() {
  SWIFTLET_ASSERT(next_ < tensors_.size() && written_ == bytes_of(tensors_[next_]));
  ++next_;
  written_ = 0;
  pad();
}

void GgufWriter::commit() {
  SWIFTLET_ASSERT(next_ == tensors_.size());
  file_.commit();
}

}  // namespace swiftlet
