#include "swiftlet/io/npy.h"

#include <string>
#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

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

}  // namespace

void write_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t columns) {
  SWIFTLET_ASSERT(columns >= 1 && values.size() % static_cast<std::size_t>(columns) == 0);
  OutputFile file(path);
  file.write(make_header(static_cast<std::int64_t>(values.size()) / columns, columns));
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace swiftlet
