#include "swiftlet/io/tensor_file.h"

#include <cstring>

#include "swiftlet/core/mapped_file.h"

namespace swiftlet {
namespace {

// Copies what strides reach, the last dimension fastest.
void gather(const TensorEntry& entry, std::byte* out) {
  const std::size_t size = dtype_size(entry.dtype);
  const auto dims = entry.shape.dims();
  std::vector<std::int64_t> index(dims.size(), 0);
  std::int64_t at = 0;  // elements
  for (std::int64_t left = entry.shape.elements(); left > 0; --left, out += size) {
    std::memcpy(out, entry.bytes.data() + static_cast<std::size_t>(at) * size, size);
    for (std::size_t d = dims.size(); d-- > 0;) {
      at += entry.strides[d];
      if (++index[d] < dims[d]) break;
      at -= index[d] * entry.strides[d];
      index[d] = 0;
    }
  }
}

}  // namespace

bool TensorEntry::needs_copy() const {
  return !strides.empty() || reinterpret_cast<std::uintptr_t>(bytes.data()) % dtype_size(dtype) != 0;
}

Tensor TensorEntry::tensor() const {
  if (!needs_copy()) return Tensor(dtype, shape, bytes);
  Buffer copy = Buffer::heap(size());
  if (strides.empty())
    std::memcpy(copy.mutable_data(), bytes.data(), bytes.size());
  else
    gather(*this, copy.mutable_data());
  check_mapped(bytes.bytes());
  release_mapped(bytes.bytes());
  return Tensor(dtype, shape, std::move(copy));
}

}  // namespace swiftlet
