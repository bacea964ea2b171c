#include "swiftlet/core/dtype.h"

#include <array>
#include <utility>

namespace swiftlet {
namespace {

constexpr std::array<std::pair<DType, std::string_view>, 12> kNames{{
    {DType::kF32, "f32"},
    {DType::kF16, "f16"},
    {DType::kBF16, "bf16"},
    {DType::kF64, "f64"},
    {DType::kF8E4M3, "f8e4m3"},
    {DType::kF8E5M2, "f8e5m2"},
    {DType::kI8, "i8"},
    {DType::kU8, "u8"},
    {DType::kI16, "i16"},
    {DType::kI32, "i32"},
    {DType::kI64, "i64"},
    {DType::kBool, "bool"},
}};

}  // namespace

std::string_view dtype_name(DType type) {
  for (const auto& [value, name] : kNames)
    if (value == type) return name;
  return "?";
}

std::optional<DType> parse_dtype(std::string_view text) {
  for (const auto& [value, name] : kNames)
    if (name == text) return value;
  return std::nullopt;
}

}  // namespace swiftlet
