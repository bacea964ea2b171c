#include "swiftlet/encoding/integer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"

namespace swiftlet {
namespace {

int max_code(const Encoding& encoding) {
  return encoding.format == Format::kInt8 ? Int8Codes::kMaxCode : Int4Codes::kMaxCode;
}

// Symmetric int8 leaves code 0 out, so that codes lie within ±127 of the zero point.
int min_code(const Encoding& encoding) {
  return encoding.format == Format::kInt8 && !encoding.asymmetric ? 1 : 0;
}

int symmetric_zero_point(const Encoding& encoding) {
  return encoding.format == Format::kInt8 ? Int8Codes::kZeroPoint : Int4Codes::kZeroPoint;
}

// The next stored magnitude above a positive scale.
float next_scale(const Encoding& encoding, float scale) {
  if (encoding.group == 0) return std::nextafter(scale, std::numeric_limits<float>::infinity());
  return f16_to_f32(static_cast<std::uint16_t>(f32_to_f16(scale) + 1));
}

void check_scale(const Encoding& encoding, float scale, double extent, const std::string& where) {
  if (!std::isfinite(scale))
    fail(ErrorCode::kUnsupported, where, "values as large as {:g} need a scale beyond f16, got {}", extent,
         to_string(encoding));
}

// extent / steps in the stored type, large enough that no value needs more than `steps` and a half.
float scale_of_extent(const Encoding& encoding, double extent, int steps, const std::string& where) {
  float scale = stored_scale(encoding, extent / steps);
  if (extent > scale * (steps + 0.5)) scale = next_scale(encoding, scale);
  check_scale(encoding, scale, extent, where);
  return scale;
}

float largest_magnitude(const float* values, std::int64_t count) {
  float extreme = 0;
  for (std::int64_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  return extreme;
}

// Trials side by side in the lanes of vectors that every processor has: wider ones are taken apart.
using Trials [[gnu::vector_size(16)]] = float;
constexpr int kTrials = 4;

// Of values and the codes that they get under each 1 / inverse: sums of products and of squares of the codes.
struct CodeSums {
  Trials products{}, squares{};
};
CodeSums sums_of_codes(const float* values, std::int64_t count, const Trials& inverse, int steps) {
  constexpr float kRound = 12582912;  // 1.5 * 2^23: what is added to it loses its fraction, ties to even
  const Trials least = Trials{} + static_cast<float>(-steps), most = Trials{} + static_cast<float>(steps - 1);
  CodeSums sums;
  for (std::int64_t i = 0; i < count; ++i) {
    Trials codes = values[i] * inverse + kRound - kRound;
    codes = codes < least ? least : codes;
    codes = codes > most ? most : codes;
    sums.products += values[i] * codes;
    sums.squares += codes * codes;
  }
  return sums;
}

GroupScale choose_symmetric(const Encoding& encoding, const float* values, std::int64_t count,
                            const std::string& where) {
  GroupScale group{0, symmetric_zero_point(encoding)};
  const float extreme = largest_magnitude(values, count);
  if (extreme == 0) return group;
  if (encoding.format == Format::kInt8) {
    group.scale = scale_of_extent(encoding, std::fabs(extreme), 127, where);
  } else {
    group.scale = stored_scale(encoding, least_squares_scale(values, count, Int4Codes::kZeroPoint));
    if (group.scale == 0) group.scale = std::copysign(next_scale(encoding, 0), -extreme);
    check_scale(encoding, group.scale, std::fabs(extreme), where);
  }
  return group;
}

GroupScale choose_asymmetric(const Encoding& encoding, const float* values, std::int64_t count,
                             const std::string& where) {
  float low = 0, high = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  if (low == 0 && high == 0) return {0, 0};
  const int codes = max_code(encoding);
  GroupScale group;
  group.scale = scale_of_extent(encoding, static_cast<double>(high) - low, codes, where);
  group.zero_point = std::clamp(static_cast<int>(std::lrint(-low / group.scale)), 0, codes);
  return group;
}

}  // namespace

float stored_scale(const Encoding& encoding, double exact) {
  const auto scale = static_cast<float>(exact);
  return encoding.group > 0 ? f16_to_f32(f32_to_f16(scale)) : scale;
}

GroupScale choose_scale(const Encoding& encoding, const float* values, std::int64_t count,
                        const std::string& where) {
  return encoding.asymmetric ? choose_asymmetric(encoding, values, count, where)
                             : choose_symmetric(encoding, values, count, where);
}

float least_squares_scale(const float* values, std::int64_t count, int steps) {
  const float extreme = largest_magnitude(values, count);
  if (extreme == 0) return 0;
  // Beyond the range of the squares' sums a scale is as good as its extreme.
  if (std::fabs(extreme) < 0x1p-50f || std::fabs(extreme) > 0x1p50f)
    return -extreme / static_cast<float>(steps);
  float best = 0, scale = 0;
  for (int first = -12; first < 12; first += kTrials) {  // tenths of a step
    Trials inverse;
    for (int i = 0; i < kTrials; ++i)
      inverse[i] = -(static_cast<float>(steps) + 0.1f * static_cast<float>(first + i)) / extreme;
    const CodeSums sums = sums_of_codes(values, count, inverse, steps);
    // The least squared error under these codes is the sum of squares of the values less the gain.
    const Trials scales = sums.products / sums.squares, gains = sums.products * scales;
    for (int i = 0; i < kTrials; ++i) {
      if (!(gains[i] > best)) continue;
      best = gains[i];
      scale = scales[i];
    }
  }
  return scale;
}

int nearest_code(const GroupScale& group, float value, int least, int most) {
  if (group.scale == 0) return group.zero_point;
  // Clipped as a float first: the quotient of a hostile scale may not fit an int.
  const float steps = std::clamp(value / group.scale, -512.0f, 512.0f);
  return std::clamp(static_cast<int>(std::lrint(steps)) + group.zero_point, least, most);
}

int nearest_code(const Encoding& encoding, const GroupScale& group, float value) {
  return nearest_code(group, value, min_code(encoding), max_code(encoding));
}

IntegerWeightBuilder::IntegerWeightBuilder(std::string name, const Encoding& encoding, std::int64_t n,
                                           std::int64_t k)
    : geometry_(panel_geometry(encoding, n, k)) {
  SWIFTLET_ASSERT(encoding.is_integer() && !encoding.has_blocks());
  weight_.name = std::move(name);
  weight_.shape = {n, k};
  weight_.encoding = encoding;
  weight_.layout = Layout::kPanels;
  weight_.codes = Buffer::heap(static_cast<std::size_t>(geometry_.code_bytes()));
  weight_.scales = Buffer::heap(static_cast<std::size_t>(geometry_.scales_bytes()));
  const std::int64_t zero_points = geometry_.panels * geometry_.groups * kPanelRows;
  if (encoding.asymmetric) weight_.zero_points = Buffer::heap(static_cast<std::size_t>(zero_points));
}

void IntegerWeightBuilder::set_group(std::int64_t row, std::int64_t group, const GroupScale& scale) {
  const std::int64_t panel = row / kPanelRows, lane = row % kPanelRows;
  const std::int64_t index = (panel * geometry_.groups + group) * kPanelRows + lane;
  std::byte* at = weight_.scales.mutable_data() + index * geometry_.scale_bytes;
  if (geometry_.scale_bytes == 2) {
    const std::uint16_t half = f32_to_f16(scale.scale);
    std::memcpy(at, &half, sizeof half);
  } else {
    std::memcpy(at, &scale.scale, sizeof scale.scale);
  }
  if (weight_.encoding.asymmetric)
    weight_.zero_points.mutable_data()[index] = static_cast<std::byte>(scale.zero_point);
  const std::int64_t begin = group * geometry_.padded_group;
  const std::int64_t end = std::min(begin + geometry_.padded_group, geometry_.padded_k);
  auto* codes =
      reinterpret_cast<std::uint8_t*>(weight_.codes.mutable_data()) + panel * geometry_.panel_code_bytes;
  for (std::int64_t c = begin; c < end; ++c) {
    if (weight_.encoding.format == Format::kInt8)
      Int8Codes::set(codes, lane, c, scale.zero_point);
    else
      Int4Codes::set(codes, lane, c, scale.zero_point);
  }
}

void IntegerWeightBuilder::set_code(std::int64_t row, std::int64_t column, int code) {
  auto* codes = reinterpret_cast<std::uint8_t*>(weight_.codes.mutable_data()) +
                row / kPanelRows * geometry_.panel_code_bytes;
  const std::int64_t padded = column / geometry_.group * geometry_.padded_group + column % geometry_.group;
  if (weight_.encoding.format == Format::kInt8)
    Int8Codes::set(codes, row % kPanelRows, padded, code);
  else
    Int4Codes::set(codes, row % kPanelRows, padded, code);
}

void IntegerWeightBuilder::encode_group(std::int64_t row, std::int64_t group, const GroupScale& scale,
                                        const float* values) {
  set_group(row, group, scale);
  if (scale.scale == 0) return;
  const std::int64_t lane = row % kPanelRows, padded = group * geometry_.padded_group;
  const std::int64_t count = std::min(geometry_.group, geometry_.k - group * geometry_.group);
  auto* codes = reinterpret_cast<std::uint8_t*>(weight_.codes.mutable_data()) +
                row / kPanelRows * geometry_.panel_code_bytes;
  const Encoding encoding = weight_.encoding;
  if (encoding.format == Format::kInt8) {
    for (std::int64_t i = 0; i < count; ++i)
      Int8Codes::set(codes, lane, padded + i, nearest_code(encoding, scale, values[i]));
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      Int4Codes::set(codes, lane, padded + i, nearest_code(encoding, scale, values[i]));
  }
}

IntegerWeightReader::IntegerWeightReader(const Weight& weight)
    : weight_(weight), geometry_(panel_geometry(weight.encoding, weight.shape[0], weight.shape[1])) {
  SWIFTLET_ASSERT(weight.encoding.is_integer());
}

GroupScale IntegerWeightReader::scale(std::int64_t row, std::int64_t group) const {
  const std::int64_t index = (row / kPanelRows * geometry_.groups + group) * kPanelRows + row % kPanelRows;
  const std::byte* const at = weight_.scales.data() + index * geometry_.scale_bytes;
  return {load_float(geometry_.scale_bytes == 2 ? Format::kF16 : Format::kF32, at),
          weight_.encoding.asymmetric ? static_cast<int>(weight_.zero_points.data()[index])
                                      : symmetric_zero_point(weight_.encoding)};
}

int IntegerWeightReader::code(std::int64_t row, std::int64_t column) const {
  const auto* const panel = reinterpret_cast<const std::uint8_t*>(weight_.codes.data()) +
                            row / kPanelRows * geometry_.panel_code_bytes;
  const std::int64_t padded = column / geometry_.group * geometry_.padded_group + column % geometry_.group;
  return weight_.encoding.format == Format::kInt8 ? Int8Codes::get(panel, row % kPanelRows, padded)
                                                  : Int4Codes::get(panel, row % kPanelRows, padded);
}

}  // namespace swiftlet
