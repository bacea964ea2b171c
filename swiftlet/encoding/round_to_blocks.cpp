#include "swiftlet/encoding/round_to_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/integer.h"

namespace swiftlet {
namespace {

// The least number of 8 significant bits that is not below a positive one.
float round_up_to_8_bits(float x) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0xffffu) & 0xffff0000u);
}

void round_to_q4_r(const float* values, std::int64_t k, std::uint8_t* panel, std::int64_t lane) {
  constexpr std::int64_t kGroup = Q4RBlocks::kGroup;
  constexpr int kSteps = Q4RBlocks::kZeroPoint;
  std::vector<float> wanted(static_cast<std::size_t>(k / kGroup));
  float largest = 0;
  for (std::size_t g = 0; g < wanted.size(); ++g) {
    wanted[g] = least_squares_scale(values + static_cast<std::int64_t>(g) * kGroup, kGroup, kSteps);
    largest = std::max(largest, std::fabs(wanted[g]));
  }
  const int most = Q4RBlocks::most_scale(k);
  const float unit = round_up_to_8_bits(largest / static_cast<float>(most));
  std::memcpy(panel + lane * 4, &unit, sizeof unit);
  for (std::size_t g = 0; g < wanted.size(); ++g) {
    const auto column = static_cast<std::int64_t>(g) * kGroup;
    std::uint8_t* block = panel + Q4RBlocks::kHeader + column / Q4RBlocks::kColumns * Q4RBlocks::kBytes;
    const int scale = unit == 0 ? 0 : std::clamp(static_cast<int>(std::lrint(wanted[g] / unit)), -most, most);
    block[static_cast<std::int64_t>(g) % 2 * kPanelRows + lane] = static_cast<std::uint8_t>(scale);
    const GroupScale group{unit * static_cast<float>(scale), kSteps};
    for (std::int64_t i = 0; i < kGroup; ++i)
      Int4Codes::set(block + Q4RBlocks::kCodes, lane, (column + i) % Q4RBlocks::kColumns,
                     nearest_code(group, values[column + i], 0, Int4Codes::kMaxCode));
  }
}

// One group of Q5_0 as GGUF stores it (ggml_blocks.h).
void round_group_to_q5_0(const float* values, std::byte* block, const std::string& where) {
  constexpr int kSteps = Q50Blocks::kZeroPoint;
  const std::uint16_t half = f32_to_f16(least_squares_scale(values, Q50Blocks::kColumns, kSteps));
  const float scale = f16_to_f32(half);
  if (!std::isfinite(scale))
    fail(ErrorCode::kUnsupported, where, "values as large as these need a scale beyond f16, got q5_0");
  std::uint32_t fifth = 0;
  std::uint8_t nibbles[16] = {};
  for (int c = 0; c < 32; ++c) {
    const auto code = static_cast<unsigned>(nearest_code({scale, kSteps}, values[c], 0, 2 * kSteps - 1));
    nibbles[c % 16] = static_cast<std::uint8_t>(nibbles[c % 16] | (code & 15) << c / 16 * 4);
    fifth |= code >> 4 << c;
  }
  std::memcpy(block, &half, sizeof half);
  std::memcpy(block + 2, &fifth, sizeof fifth);
  std::memcpy(block + 6, nibbles, sizeof nibbles);
}

void round_to_q5_0(const float* values, std::int64_t k, std::uint8_t* block, std::int64_t lane,
                   const std::string& where) {
  for (std::int64_t c = 0; c < k; c += Q50Blocks::kColumns, block += Q50Blocks::kBytes) {
    std::byte stored[Q50Blocks::kBytes / kPanelRows];
    round_group_to_q5_0(values + c, stored, where);
    put_block(Format::kQ50, stored, block, lane);
  }
}

}  // namespace

bool rounds_to_blocks(Format format) noexcept {
  return format == Format::kQ4R || format == Format::kQ50;
}

void round_to_blocks(Format format, const float* values, std::int64_t k, std::uint8_t* panel,
                     std::int64_t lane, const std::string& where) {
  SWIFTLET_ASSERT(rounds_to_blocks(format));
  if (format == Format::kQ4R)
    round_to_q4_r(values, k, panel, lane);
  else
    round_to_q5_0(values, k, panel, lane, where);
}

}  // namespace swiftlet
