// Tensor owns (shares) its buffer; TensorView only looks. Both are row-major, last dimension contiguous.
#pragma once

#include <span>

#include "swiftlet/core/buffer.h"
#include "swiftlet/core/dtype.h"
#include "swiftlet/core/shape.h"

namespace swiftlet {

class Tensor {
 public:
  Tensor() = default;
  // Wraps `buffer`, which must hold at least shape.elements() * dtype_size(dtype) bytes.
  Tensor(DType dtype, Shape shape, Buffer buffer);
  // A zero-filled tensor on the heap.
  static Tensor zeros(DType dtype, Shape shape);
  static Tensor from(std::span<const float> values, Shape shape);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * dtype_size(dtype_); }
  bool empty() const { return buffer_.data() == nullptr; }
  const Buffer& buffer() const { return buffer_; }

  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(buffer_.data());
  }
  template <class T>
  T* mutable_data() {
    return reinterpret_cast<T*>(buffer_.mutable_data());
  }
  // The elements as T; the size of T must be that of the dtype.
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<std::size_t>(elements())};
  }

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  Buffer buffer_;
};

struct TensorView {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  TensorView() = default;
  TensorView(const void* pointer, DType type, Shape extents)
      : data(pointer), dtype(type), shape(std::move(extents)) {}
  TensorView(const Tensor& tensor)
      : data(tensor.data<void>()), dtype(tensor.dtype()), shape(tensor.shape()) {}
};

// The elements of any floating dtype (f32, f16, bf16, f64) as f32 values. Throws kUnsupported for others.
std::vector<float> to_floats(const TensorView& tensor);

}  // namespace swiftlet
