#include "swiftlet/core/dtype.h"

#include <gtest/gtest.h>

namespace swiftlet {
namespace {

constexpr DType kAll[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kF8E4M3, DType::kF8E5M2,
                          DType::kI8,  DType::kU8,  DType::kI16,  DType::kI32, DType::kI64,    DType::kBool};

TEST(DType, NamesAndTypesAreInverse) {
  for (DType type : kAll) {
    const auto name = dtype_name(type);
    ASSERT_TRUE(parse_dtype(name).has_value()) << name;
    EXPECT_EQ(*parse_dtype(name), type) << name;
  }
}

TEST(DType, UnknownNamesAreRefused) {
  for (const char* name : {"", "F32", "f33", "int8", "f32 ", "?"}) EXPECT_FALSE(parse_dtype(name)) << name;
}

TEST(DType, SizesAreThoseOfTheWord) {
  EXPECT_EQ(dtype_size(DType::kBool), 1u);
  EXPECT_EQ(dtype_size(DType::kI8), sizeof(std::int8_t));
  EXPECT_EQ(dtype_size(DType::kU8), sizeof(std::uint8_t));
  EXPECT_EQ(dtype_size(DType::kF8E4M3), 1u);
  EXPECT_EQ(dtype_size(DType::kF8E5M2), 1u);
  EXPECT_EQ(dtype_size(DType::kF16), 2u);
  EXPECT_EQ(dtype_size(DType::kBF16), 2u);
  EXPECT_EQ(dtype_size(DType::kI16), sizeof(std::int16_t));
  EXPECT_EQ(dtype_size(DType::kF32), sizeof(float));
  EXPECT_EQ(dtype_size(DType::kI32), sizeof(std::int32_t));
  EXPECT_EQ(dtype_size(DType::kF64), sizeof(double));
  EXPECT_EQ(dtype_size(DType::kI64), sizeof(std::int64_t));
}

}  // namespace
}  // namespace swiftlet
