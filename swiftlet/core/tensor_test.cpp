#include "swiftlet/core/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"

namespace swiftlet {
namespace {

TEST(Tensor, HoldsWhatItWasMadeFrom) {
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  const Tensor tensor = Tensor::from(values, {2, 3});
  EXPECT_EQ(tensor.dtype(), DType::kF32);
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(tensor.bytes(), 24u);
  EXPECT_EQ(tensor.span<float>()[5], 6.0f);
  EXPECT_THROW(Tensor::from(values, {7}), std::logic_error);
}

TEST(Tensor, EmptyOnesHaveNoElements) {
  EXPECT_TRUE(Tensor{}.empty());
  EXPECT_EQ(Tensor::zeros(DType::kF32, {0, 384}).elements(), 0);
  EXPECT_EQ(to_floats(Tensor::zeros(DType::kF32, {0, 384})).size(), 0u);
}

TEST(Tensor, RefusesABufferThatIsTooSmall) {
  EXPECT_NO_THROW(Tensor(DType::kF16, {4}, Buffer::heap(8)));
  EXPECT_THROW(Tensor(DType::kF16, {4}, Buffer::heap(7)), Error);
  EXPECT_THROW(Tensor(DType::kF16, {-4}, Buffer::heap(8)), Error);
}

// 2^61 doubles are 2^64 bytes, which 64 bits count as none.
TEST(Tensor, RefusesSizesThatWrapAround) {
  const Shape huge{std::int64_t{1} << 61};
  EXPECT_THROW(Tensor(DType::kF64, huge, Buffer::heap(64)), Error);
  EXPECT_THROW(Tensor::zeros(DType::kI64, huge), Error);
}

TEST(Tensor, FloatsComeFromEveryFloatingType) {
  const std::array<float, 4> values{0.0f, -1.5f, 256.0f, 0.0078125f};  // exact in all four
  Tensor f32 = Tensor::from(values, {4}), f64 = Tensor::zeros(DType::kF64, {4});
  Tensor f16 = Tensor::zeros(DType::kF16, {4}), bf16 = Tensor::zeros(DType::kBF16, {4});
  for (std::size_t i = 0; i < 4; ++i) {
    f64.mutable_data<double>()[i] = values[i];
    f16.mutable_data<std::uint16_t>()[i] = f32_to_f16(values[i]);
    bf16.mutable_data<std::uint16_t>()[i] = f32_to_bf16(values[i]);
  }
  for (const Tensor& tensor : {f32, f64, f16, bf16})
    EXPECT_EQ(to_floats(tensor), std::vector<float>(values.begin(), values.end()))
        << dtype_name(tensor.dtype());
}

TEST(Tensor, IntegersAreNotReadAsFloats) {
  try {
    to_floats(Tensor::zeros(DType::kI8, {4}));
    FAIL() << "i8 was read as f32";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace swiftlet
