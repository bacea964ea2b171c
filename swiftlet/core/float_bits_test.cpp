// Every value of the 16-bit formats is converted, and every rounding is checked against the definition
// "the nearest value of the format; of two equally near the one with an even last bit", worked out in double.
#include "swiftlet/core/float_bits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

// A 16-bit float format with E exponent and M mantissa bits, read by the formula of IEEE 754.
template <int E, int M>
double decode(std::uint16_t bits) {
  const int exponent = (bits >> M) & ((1 << E) - 1);
  const int mantissa = bits & ((1 << M) - 1);
  constexpr int kBias = (1 << (E - 1)) - 1;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << E) - 1)
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - kBias - M);
  return sign * std::ldexp((1 << M) + mantissa, exponent - kBias - M);
}

struct Half {
  static constexpr int kMantissa = 10;
  static constexpr std::uint16_t kInfinity = 0x7c00;
  static double exact(std::uint16_t bits) { return decode<5, 10>(bits); }
  static float widen(std::uint16_t bits) { return f16_to_f32(bits); }
  static std::uint16_t narrow(float value) { return f32_to_f16(value); }
};

struct Brain {
  static constexpr int kMantissa = 7;
  static constexpr std::uint16_t kInfinity = 0x7f80;
  static double exact(std::uint16_t bits) { return decode<8, 7>(bits); }
  static float widen(std::uint16_t bits) { return bf16_to_f32(bits); }
  static std::uint16_t narrow(float value) { return f32_to_bf16(value); }
};

template <class Format>
class FloatBits : public testing::Test {};
using Formats = testing::Types<Half, Brain>;
TYPED_TEST_SUITE(FloatBits, Formats);

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

TYPED_TEST(FloatBits, EveryValueWidensExactlyAndComesBack) {
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float wide = TypeParam::widen(bits);
    ASSERT_TRUE(same(wide, TypeParam::exact(bits))) << std::hex << bits;
    const std::uint16_t back = TypeParam::narrow(wide);
    if (std::isnan(wide)) {
      ASSERT_TRUE(std::isnan(TypeParam::exact(back)) && (back >> 15) == (bits >> 15)) << std::hex << bits;
    } else {
      ASSERT_EQ(back, bits) << std::hex << bits;
    }
  }
}

// Checks narrow(value) for a finite value by looking at the neighbours of the result.
template <class Format>
void expect_nearest_even(float value) {
  const std::uint16_t got = Format::narrow(value);
  ASSERT_EQ(std::signbit(value), (got >> 15) != 0) << value;
  const auto magnitude = static_cast<std::uint16_t>(got & 0x7fff);
  ASSERT_LE(magnitude, Format::kInfinity) << value;
  // Beyond the largest finite value the format would go on with the same spacing: infinity stands for that
  // next one.
  const auto last = static_cast<std::uint16_t>(Format::kInfinity - 1);
  const double next_after_last =
      2 * Format::exact(last) - Format::exact(static_cast<std::uint16_t>(last - 1));
  const auto at = [&](int bits) {
    return bits == Format::kInfinity ? next_after_last : Format::exact(static_cast<std::uint16_t>(bits));
  };
  const double target = std::fabs(static_cast<double>(value));
  if (magnitude == Format::kInfinity && target > next_after_last) return;
  const double distance = std::fabs(at(magnitude) - target);
  for (int neighbour : {magnitude - 1, magnitude + 1}) {
    if (neighbour < 0 || neighbour > Format::kInfinity) continue;
    const double other = std::fabs(at(neighbour) - target);
    ASSERT_LE(distance, other) << value;
    ASSERT_TRUE(distance < other || magnitude % 2 == 0) << value << " is a tie";
  }
}

// f8: every value, exact in f32, bf16 and f16.
TEST(Float8, EveryValueIsThatOfItsDefinition) {
  for (int i = 0; i < 256; ++i) {
    const auto bits = static_cast<std::uint8_t>(i);
    const double sign = i >= 128 ? -1 : 1;
    const int exponent = (i >> 3) & 15, mantissa = i & 7;
    const double e4m3 = (i & 127) == 127 ? std::nan("")
                        : exponent == 0  ? sign * std::ldexp(mantissa, -9)
                                         : sign * std::ldexp(8 + mantissa, exponent - 10);
    const double e5m2 = decode<5, 2>(static_cast<std::uint16_t>((i & 128) << 8 | (i & 127)));
    for (const auto& [wide, expected] : {std::pair{f8e4m3_to_f32(bits), e4m3}, {f8e5m2_to_f32(bits), e5m2}}) {
      ASSERT_TRUE(same(wide, expected)) << i;
      if (std::isnan(wide)) continue;
      EXPECT_TRUE(same(bf16_to_f32(f32_to_bf16(wide)), wide)) << i;
      EXPECT_TRUE(same(f16_to_f32(f32_to_f16(wide)), wide)) << i;
    }
  }
}

TYPED_TEST(FloatBits, EveryMidpointAndItsNeighboursRoundToNearestEven) {
  for (int bits = 0; bits < TypeParam::kInfinity; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits);
    const float value = TypeParam::widen(low);
    const double high =
        bits + 1 == TypeParam::kInfinity
            ? 2 * TypeParam::exact(low) - TypeParam::exact(static_cast<std::uint16_t>(bits - 1))
            : TypeParam::exact(static_cast<std::uint16_t>(bits + 1));
    // Exact: f32 has at least 13 more mantissa bits than either format. Only the midpoint below bf16's first
    // subnormal and that before its overflow need care, and they too are f32 values.
    const auto middle = static_cast<float>((static_cast<double>(value) + high) / 2);
    for (float probe : {value, middle, std::nextafter(middle, 0.0f), std::nextafter(middle, INFINITY)}) {
      if (std::isinf(probe)) continue;
      expect_nearest_even<TypeParam>(probe);
      expect_nearest_even<TypeParam>(-probe);
      if (this->HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(FloatBits, RandomBitPatternsRoundToNearestEven) {
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const float value = std::bit_cast<float>(philox({i, 0, 0, 0}, {7, 11})[0]);
    if (!std::isfinite(value)) continue;
    expect_nearest_even<TypeParam>(value);
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(FloatBits, SpecialValuesKeepTheirMeaning) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(TypeParam::narrow(kInfinity), TypeParam::kInfinity);
  EXPECT_EQ(TypeParam::narrow(-kInfinity), TypeParam::kInfinity | 0x8000);
  EXPECT_EQ(TypeParam::narrow(-0.0f), 0x8000);
  // Each NaN stays one, quiet, whatever its payload: the low payload bits fall off in the narrow format.
  for (std::uint32_t payload : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu}) {
    const std::uint16_t bits = TypeParam::narrow(std::bit_cast<float>(payload));
    EXPECT_TRUE(std::isnan(TypeParam::exact(bits))) << std::hex << payload;
    EXPECT_NE(bits & (1 << (TypeParam::kMantissa - 1)), 0) << "signalling for " << std::hex << payload;
    EXPECT_EQ(bits >> 15, payload >> 31);
  }
}

}  // namespace
}  // namespace swiftlet
