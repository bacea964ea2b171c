#include "swiftlet/encoding/ggml_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "swiftlet/core/float_bits.h"

namespace swiftlet {
namespace {

using Bytes = const std::byte*;

int u8(Bytes at) {
  return std::to_integer<int>(*at);
}
int i8(Bytes at) {
  return static_cast<std::int8_t>(u8(at));
}
std::uint16_t u16(Bytes at) {
  return static_cast<std::uint16_t>(u8(at) | u8(at + 1) << 8);
}
float f16(Bytes at) {
  return f16_to_f32(u16(at));
}
// Nibble i of 32 that lie in 16 bytes, the high ones last.
int nibble(Bytes at, int i) {
  return u8(at + i % 16) >> (i < 16 ? 0 : 4) & 15;
}

constexpr std::array<std::int8_t, 16> kNonlinear{-127, -104, -83, -65, -49, -35, -22, -10,
                                                 1,    13,   25,  38,  53,  69,  89,  113};
// Twice the values of e2m1, so that all are integers.
constexpr std::array<std::int8_t, 16> kE2m1{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

template <class T>
void float_decode(Bytes in, float* out) {
  if constexpr (sizeof(T) == 4)
    std::memcpy(out, in, sizeof *out);
  else
    *out = std::is_same_v<T, std::int16_t> ? bf16_to_f32(u16(in)) : f16(in);
}

void q8_0_codes(Bytes in, int, std::int8_t* out, float* scale) {
  *scale = f16(in);
  std::memcpy(out, in + 2, kGgmlGroup);
}

void q4_0_codes(Bytes in, int, std::int8_t* out, float* scale) {
  *scale = f16(in);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<std::int8_t>(nibble(in + 2, i) - 8);
}

int fifth_bit(Bytes at, int i) {
  return (u8(at + i / 8) >> i % 8 & 1) << 4;
}

void q5_0_codes(Bytes in, int, std::int8_t* out, float* scale) {
  *scale = f16(in);
  for (int i = 0; i < 32; ++i)
    out[i] = static_cast<std::int8_t>((nibble(in + 6, i) | fifth_bit(in + 2, i)) - 16);
}

void iq4_nl_codes(Bytes in, int, std::int8_t* out, float* scale) {
  *scale = f16(in);
  for (int i = 0; i < 32; ++i) out[i] = kNonlinear[static_cast<std::size_t>(nibble(in + 2, i))];
}

// 2^(exponent - 128): half of what the exponent says, for the codes are doubled.
float half_power(int exponent) {
  const auto e = static_cast<std::uint32_t>(exponent);
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

void mxfp4_codes(Bytes in, int, std::int8_t* out, float* scale) {
  *scale = half_power(u8(in));
  for (int i = 0; i < 32; ++i) out[i] = kE2m1[static_cast<std::size_t>(nibble(in + 1, i))];
}

void iq4_xs_codes(Bytes in, int group, std::int8_t* out, float* scale) {
  const int low = u8(in + 4 + group / 2) >> 4 * (group % 2) & 15;
  const int high = u16(in + 2) >> 2 * group & 3;
  *scale = f16(in) * static_cast<float>((low | high << 4) - 32);
  for (int i = 0; i < 32; ++i) out[i] = kNonlinear[static_cast<std::size_t>(nibble(in + 8 + 16 * group, i))];
}

// A byte holds digits of base 3 as the fraction byte/256: times 3^i, the next digit stands before the point.
int base3_digit(int byte, int i) {
  constexpr std::array<int, 5> kPowers{1, 3, 9, 27, 81};
  return (byte * kPowers[static_cast<std::size_t>(i)] & 255) * 3 >> 8;
}

void tq1_0_codes(Bytes in, int group, std::int8_t* out, float* scale) {
  *scale = f16(in + 52);
  for (int i = 0; i < 32; ++i) {
    const int e = group * 32 + i;
    const int digit = e < 160   ? base3_digit(u8(in + e % 32), e / 32)
                      : e < 240 ? base3_digit(u8(in + 32 + (e - 160) % 16), (e - 160) / 16)
                                : base3_digit(u8(in + 48 + (e - 240) % 4), (e - 240) / 4);
    out[i] = static_cast<std::int8_t>(digit - 1);
  }
}

void tq2_0_codes(Bytes in, int group, std::int8_t* out, float* scale) {
  *scale = f16(in + 64);
  for (int i = 0; i < 32; ++i)
    out[i] = static_cast<std::int8_t>((u8(in + group / 4 * 32 + i) >> 2 * (group % 4) & 3) - 1);
}

// Of a type that has codes.
template <auto codes, int block>
void decode_codes(Bytes in, float* out) {
  for (int group = 0; group < block / kGgmlGroup; ++group) {
    std::array<std::int8_t, kGgmlGroup> q;
    float scale;
    codes(in, group, q.data(), &scale);
    for (int i = 0; i < kGgmlGroup; ++i)
      out[group * kGgmlGroup + i] = scale * static_cast<float>(q[static_cast<std::size_t>(i)]);
  }
}

void q4_1_decode(Bytes in, float* out) {
  const float d = f16(in), m = f16(in + 2);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(nibble(in + 4, i)) + m;
}

void q5_1_decode(Bytes in, float* out) {
  const float d = f16(in), m = f16(in + 2);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(nibble(in + 8, i) | fifth_bit(in + 4, i)) + m;
}

// Element e of 256 in 2-bit codes: 32 bytes hold 128 elements, the first 32 of them in the lowest bits.
int two_bits(Bytes at, int e) {
  return u8(at + e / 128 * 32 + e % 32) >> e % 128 / 32 * 2 & 3;
}

void q2_k_decode(Bytes in, float* out) {
  const float d = f16(in + 80), dmin = f16(in + 82);
  for (int e = 0; e < 256; ++e) {
    const int scales = u8(in + e / 16);
    const float scale = d * static_cast<float>(scales & 15), offset = dmin * static_cast<float>(scales >> 4);
    out[e] = scale * static_cast<float>(two_bits(in + 16, e)) - offset;
  }
}

void q3_k_decode(Bytes in, float* out) {
  const float d = f16(in + 108);
  const Bytes packed = in + 96;
  for (int e = 0; e < 256; ++e) {
    const int group = e / 16;
    const int low = u8(packed + group % 8) >> group / 8 * 4 & 15;
    const int high = u8(packed + 8 + group % 4) >> group / 4 * 2 & 3;
    const int q = two_bits(in + 32, e) | (u8(in + e % 32) >> e / 32 & 1) << 2;
    out[e] = d * static_cast<float>((low | high << 4) - 32) * static_cast<float>(q - 4);
  }
}

// Scale and offset of group j of 8 in 12 bytes: six bits each, the upper two of the last four groups above
// those of the first four.
struct ScaleOffset {
  int scale, offset;
};
ScaleOffset six_bits(Bytes at, int j) {
  if (j < 4) return {u8(at + j) & 63, u8(at + j + 4) & 63};
  return {(u8(at + j + 4) & 15) | u8(at + j - 4) >> 6 << 4, u8(at + j + 4) >> 4 | u8(at + j) >> 6 << 4};
}

// Q4_K, and Q5_K, which has the fifth bits of all groups in 32 bytes before the nibbles.
template <bool five>
void q45_k_decode(Bytes in, float* out) {
  const float d = f16(in), dmin = f16(in + 2);
  const Bytes fifth = in + 16, low = five ? in + 48 : in + 16;
  for (int group = 0; group < 8; ++group) {
    const auto [scale, offset] = six_bits(in + 4, group);
    const float step = d * static_cast<float>(scale), least = dmin * static_cast<float>(offset);
    for (int i = 0; i < 32; ++i) {
      int q = u8(low + group / 2 * 32 + i) >> group % 2 * 4 & 15;
      if constexpr (five) q |= (u8(fifth + i) >> group & 1) << 4;
      out[group * 32 + i] = step * static_cast<float>(q) - least;
    }
  }
}

void q6_k_decode(Bytes in, float* out) {
  const float d = f16(in + 208);
  for (int e = 0; e < 256; ++e) {
    const int half = e / 128, part = e % 128 / 32, i = e % 32;
    const int low = u8(in + half * 64 + part % 2 * 32 + i) >> part / 2 * 4 & 15;
    const int high = u8(in + 128 + half * 32 + i) >> part * 2 & 3;
    const float step = d * static_cast<float>(i8(in + 192 + e / 16));
    out[e] = step * static_cast<float>((low | high << 4) - 32);
  }
}

template <auto codes, int block>
constexpr GgmlType coded(std::uint32_t id, std::string_view name, int bytes, Format format) {
  return {id, name, block, bytes, decode_codes<codes, block>, codes, format};
}
constexpr GgmlType decoded(std::uint32_t id, std::string_view name, int block, int bytes,
                           void (*decode)(Bytes, float*), Format format = Format::kInt8) {
  return {id, name, block, bytes, decode, nullptr, format};
}
constexpr GgmlType unread(std::uint32_t id, std::string_view name) {
  return {id, name, 0, 0, nullptr, nullptr, Format::kF32};
}

constexpr std::array kTypes{
    GgmlType{0, "F32", 1, 4, float_decode<float>, nullptr, Format::kF32},
    GgmlType{1, "F16", 1, 2, float_decode<std::uint16_t>, nullptr, Format::kF16},
    coded<q4_0_codes, 32>(2, "Q4_0", 18, Format::kInt4),
    decoded(3, "Q4_1", 32, 20, q4_1_decode),
    coded<q5_0_codes, 32>(6, "Q5_0", 22, Format::kQ50),
    decoded(7, "Q5_1", 32, 24, q5_1_decode),
    coded<q8_0_codes, 32>(8, "Q8_0", 34, Format::kInt8),
    decoded(10, "Q2_K", 256, 84, q2_k_decode),
    decoded(11, "Q3_K", 256, 110, q3_k_decode),
    decoded(12, "Q4_K", 256, 144, q45_k_decode<false>, Format::kQ4K),
    decoded(13, "Q5_K", 256, 176, q45_k_decode<true>, Format::kQ5K),
    decoded(14, "Q6_K", 256, 210, q6_k_decode, Format::kQ6K),
    coded<iq4_nl_codes, 32>(20, "IQ4_NL", 18, Format::kInt8),
    coded<iq4_xs_codes, 256>(23, "IQ4_XS", 136, Format::kInt8),
    GgmlType{30, "BF16", 1, 2, float_decode<std::int16_t>, nullptr, Format::kBF16},
    coded<tq1_0_codes, 256>(34, "TQ1_0", 54, Format::kInt4),
    coded<tq2_0_codes, 256>(35, "TQ2_0", 66, Format::kInt4),
    coded<mxfp4_codes, 32>(39, "MXFP4", 17, Format::kInt8),
};

constexpr std::array kUnread{
    unread(9, "Q8_1"),      unread(15, "Q8_K"),  unread(16, "IQ2_XXS"),  unread(17, "IQ2_XS"),
    unread(18, "IQ3_XXS"),  unread(19, "IQ1_S"), unread(21, "IQ3_S"),    unread(22, "IQ2_S"),
    unread(24, "I8"),       unread(25, "I16"),   unread(26, "I32"),      unread(27, "I64"),
    unread(28, "F64"),      unread(29, "IQ1_M"), unread(31, "Q4_0_4_4"), unread(32, "Q4_0_4_8"),
    unread(33, "Q4_0_8_8"), unread(40, "NVFP4"),
};

}  // namespace

const GgmlType* find_ggml_type(std::uint32_t id) {
  for (const GgmlType& type : kTypes)
    if (type.id == id) return &type;
  for (const GgmlType& type : kUnread)
    if (type.id == id) return &type;
  return nullptr;
}

std::span<const GgmlType> ggml_types() {
  return kTypes;
}

}  // namespace swiftlet
