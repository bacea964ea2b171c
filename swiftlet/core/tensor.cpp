#include "swiftlet/core/tensor.h"

#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"

namespace swiftlet {

namespace {

// Sizes come from files: the product must not wrap around to one that seems to fit.
std::size_t checked_bytes(DType dtype, const Shape& shape) {
  std::size_t bytes = 0;
  require(!__builtin_mul_overflow(static_cast<std::size_t>(shape.elements()), dtype_size(dtype), &bytes),
          "tensor", "shape {} of {} needs more bytes than 64 bits count", shape.to_string(),
          dtype_name(dtype));
  return bytes;
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape, Buffer buffer)
    : dtype_(dtype), shape_(std::move(shape)), buffer_(std::move(buffer)) {
  require(checked_bytes(dtype_, shape_) <= buffer_.size(), "tensor",
          "shape {} of {} needs {} bytes, the buffer has {}", shape_.to_string(), dtype_name(dtype_), bytes(),
          buffer_.size());
}

Tensor Tensor::zeros(DType dtype, Shape shape) {
  const std::size_t bytes = checked_bytes(dtype, shape);
  return Tensor(dtype, std::move(shape), Buffer::heap(bytes));
}

Tensor Tensor::from(std::span<const float> values, Shape shape) {
  Tensor tensor = zeros(DType::kF32, std::move(shape));
  SWIFTLET_ASSERT(static_cast<std::size_t>(tensor.elements()) == values.size());
  if (!values.empty()) std::memcpy(tensor.mutable_data<float>(), values.data(), values.size_bytes());
  return tensor;
}

namespace {

template <class T, class Convert>
std::vector<float> convert_all(const TensorView& tensor, Convert convert) {
  const auto* source = static_cast<const T*>(tensor.data);
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert(source[i]);
  return values;
}

}  // namespace

std::vector<float> to_floats(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::kF32:
      return convert_all<float>(tensor, [](float v) { return v; });
    case DType::kF64:
      return convert_all<double>(tensor, [](double v) { return static_cast<float>(v); });
    case DType::kF16:
      return convert_all<std::uint16_t>(tensor, f16_to_f32);
    case DType::kBF16:
      return convert_all<std::uint16_t>(tensor, bf16_to_f32);
    case DType::kF8E4M3:
      return convert_all<std::uint8_t>(tensor, f8e4m3_to_f32);
    case DType::kF8E5M2:
      return convert_all<std::uint8_t>(tensor, f8e5m2_to_f32);
    default:
      fail(ErrorCode::kUnsupported, "tensor", "{} cannot be read as f32", dtype_name(tensor.dtype));
  }
}

}  // namespace swiftlet
