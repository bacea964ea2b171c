#include "swiftlet/io/npy.h"

#include <charconv>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kPrefixBytes = 10;   // magic, version, header length of version 1.0
constexpr std::size_t kHeaderBytes = 128;  // all in all; the specification asks for a multiple of 64

std::string make_header(std::int64_t rows, std::int64_t columns) {
  std::string header(kMagic);
  header += '\x01';
  header += '\x00';
  const std::size_t length = kHeaderBytes - kPrefixBytes;
  header += static_cast<char>(length & 0xff);
  header += static_cast<char>(length >> 8);
  header += fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  SWIFTLET_ASSERT(header.size() < kHeaderBytes);
  header.resize(kHeaderBytes - 1, ' ');
  return header + '\n';
}

// The value of 'key' in the header's dictionary: the text behind the colon.
std::string_view dictionary_value(std::string_view where, std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}'", key);
  const std::size_t at = header.find(quoted);
  require(at != std::string_view::npos, where, "the header has no {}: {}", quoted, header);
  std::string_view rest = header.substr(at + quoted.size());
  const std::size_t colon = rest.find_first_not_of(' ');
  require(colon != std::string_view::npos && rest[colon] == ':', where, "expected ':' after {}", quoted);
  rest.remove_prefix(colon + 1);
  return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

// "(3, 4), ...", "(3,)", "()".
Shape parse_shape(std::string_view where, std::string_view text) {
  const std::size_t close = text.find(')');
  require(text.starts_with('(') && close != std::string_view::npos, where, "the shape is malformed: {}",
          text);
  std::vector<std::int64_t> dims;
  std::string_view rest = text.substr(1, close - 1);
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" ,"), rest.size()));
    if (rest.empty()) return Shape(std::move(dims));
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    require(error == std::errc() && value >= 0, where, "the shape is malformed: {}",
            text.substr(0, close + 1));
    dims.push_back(value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  }
}

// Where the header's text begins and how long it is, by the version.
struct HeaderPlace {
  std::size_t offset;
  std::size_t length;
};

HeaderPlace find_header(std::string_view where, std::string_view file) {
  require(file.size() >= kPrefixBytes && file.starts_with(kMagic), where, "is not an .npy file");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(file[i]));
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    fail(ErrorCode::kUnsupported, where, "npy version {} is not known, 1 to 3 are", version);
  HeaderPlace place{kPrefixBytes, byte(8) | byte(9) << 8};
  if (version > 1) {
    require(file.size() >= kPrefixBytes + 2, where, "the header is truncated");
    place = {kPrefixBytes + 2, byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24};
  }
  require(place.length <= file.size() - place.offset, where, "the header is {} bytes, the file only {}",
          place.length, file.size());
  return place;
}

}  // namespace

NpyWriter::NpyWriter(const std::filesystem::path& path, std::int64_t columns)
    : file_(path), columns_(columns) {
  SWIFTLET_ASSERT(columns >= 1);
  file_.write(make_header(0, columns));
}

void NpyWriter::append(std::span<const float> rows) {
  SWIFTLET_ASSERT(rows.size() % static_cast<std::size_t>(columns_) == 0);
  file_.write(std::as_bytes(rows));
  rows_ += static_cast<std::int64_t>(rows.size()) / columns_;
}

void NpyWriter::commit() {
  const std::string header = make_header(rows_, columns_);
  file_.write_at(0, std::as_bytes(std::span(header.data(), header.size())));
  file_.commit();
}

void write_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t columns) {
  NpyWriter writer(path, columns);
  writer.append(values);
  writer.commit();
}

Tensor read_npy(const std::filesystem::path& path) {
  const std::string where = path.string();
  const Buffer file = map_file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const HeaderPlace place = find_header(where, text);
  const std::string_view header = text.substr(place.offset, place.length);
  if (!dictionary_value(where, header, "descr").starts_with("'<f4'"))
    fail(ErrorCode::kUnsupported, where, "expected little-endian f32 ('<f4'): {}", header);
  if (!dictionary_value(where, header, "fortran_order").starts_with("False"))
    fail(ErrorCode::kUnsupported, where, "Fortran order is not read");
  const Shape shape = parse_shape(where, dictionary_value(where, header, "shape"));
  const std::size_t start = place.offset + place.length;
  const auto elements = static_cast<std::size_t>(shape.elements());
  require(elements <= (std::numeric_limits<std::size_t>::max)() / sizeof(float) &&
              elements * sizeof(float) == file.size() - start,
          where, "shape {} needs {} f32 values, the file holds {} bytes of data", shape.to_string(), elements,
          file.size() - start);
  if (start % alignof(float) == 0) return Tensor(DType::kF32, shape, file.slice(start, file.size() - start));
  Tensor copy = Tensor::zeros(DType::kF32, shape);  // a writer that did not align its data
  if (elements > 0) std::memcpy(copy.mutable_data<float>(), file.data() + start, elements * sizeof(float));
  return copy;
}

}  // namespace swiftlet
