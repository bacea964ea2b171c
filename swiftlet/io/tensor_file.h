// Named tensors as they lie in a file, whatever the container: what checkpoints are loaded from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swiftlet/core/buffer.h"
#include "swiftlet/core/dtype.h"
#include "swiftlet/core/shape.h"
#include "swiftlet/core/tensor.h"

namespace swiftlet {

struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::vector<std::int64_t> strides;  // elements, where they are not row-major; empty otherwise
  Buffer bytes;                       // in the mapping; with strides, all that they reach
  std::string where;                  // "model.bin: tensor 'x'"

  std::uint64_t size() const { return static_cast<std::uint64_t>(shape.elements()) * dtype_size(dtype); }
  // Whether tensor() makes a copy: the bytes are not in order, or not aligned to their type.
  bool needs_copy() const;
  // Row-major; shares the mapping where it can. Throws kIo when the file was cut short meanwhile.
  Tensor tensor() const;
};

struct TensorFile {
  std::string where;
  std::vector<TensorEntry> entries;
};

}  // namespace swiftlet
