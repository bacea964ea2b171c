// GGUF files put together by hand, for tests and as wrong as these want them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/io/gguf.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet::testing {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
inline std::string gguf_string(std::string_view text) {
  return raw<std::uint64_t>(text.size()) + std::string(text);
}

class GgufBytes {
 public:
  GgufBytes& value(std::string_view key, GgufKind kind, std::string_view bytes) {
    values_.push_back(gguf_string(key) + raw(kind) + std::string(bytes));
    return *this;
  }
  GgufBytes& u32(std::string_view key, std::uint32_t number) {
    return value(key, GgufKind::kU32, raw(number));
  }
  GgufBytes& f32(std::string_view key, float number) { return value(key, GgufKind::kF32, raw(number)); }
  GgufBytes& boolean(std::string_view key, bool flag) { return value(key, GgufKind::kBool, raw(flag)); }
  GgufBytes& text(std::string_view key, std::string_view string) {
    return value(key, GgufKind::kString, gguf_string(string));
  }
  GgufBytes& array(std::string_view key, GgufKind kind, std::uint64_t count, std::string_view elements) {
    return value(key, GgufKind::kArray, raw(kind) + raw(count) + std::string(elements));
  }
  GgufBytes& texts(std::string_view key, const std::vector<std::string>& strings) {
    std::string elements;
    for (const auto& string : strings) elements += gguf_string(string);
    return array(key, GgufKind::kString, strings.size(), elements);
  }
  // `extents` as the file has them: the contiguous one first.
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& extents, std::uint32_t type,
                    std::string_view data) {
    return tensor_at(name, extents, type, data_.size()).append(data);
  }
  GgufBytes& tensor_at(std::string_view name, const std::vector<std::uint64_t>& extents, std::uint32_t type,
                       std::uint64_t offset) {
    std::string info = gguf_string(name) + raw(static_cast<std::uint32_t>(extents.size()));
    for (const std::uint64_t extent : extents) info += raw(extent);
    tensors_.push_back(info + raw(type) + raw(offset));
    return *this;
  }
  GgufBytes& append(std::string_view data) {
    data_ += data;
    data_.resize((data_.size() + 31) / 32 * 32);
    return *this;
  }

  std::string header() const {
    std::string out = "GGUF" + raw(std::uint32_t{3}) + raw<std::uint64_t>(tensors_.size()) +
                      raw<std::uint64_t>(values_.size());
    for (const auto& part : values_) out += part;
    for (const auto& part : tensors_) out += part;
    return out;
  }
  std::string str() const {
    std::string out = header();
    out.resize((out.size() + 31) / 32 * 32);
    return out + data_;
  }
  GgufFile file() const { return GgufFile::parse(buffer_of(str()), "test.gguf"); }

 private:
  std::vector<std::string> values_, tensors_;
  std::string data_;
};

}  // namespace swiftlet::testing
