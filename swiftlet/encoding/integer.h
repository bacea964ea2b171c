// int8 and int4: how a group of values gets its scale and zero point, and a builder that lays codes,
// scales and zero points out in panels. encode() is one client; methods that choose codes with more care
// (error compensation, searched scales) use the same parts.
#pragma once

#include <cstdint>
#include <string>

#include "swiftlet/encoding/weight.h"

namespace swiftlet {

// value = (code - zero_point) * scale. `scale` is exactly representable in the type that stores it.
struct GroupScale {
  float scale = 0;
  int zero_point = 0;
};

// The scale of `count` finite values; but for int4 by their extremes:
//   symmetric int8   max|x| -> 127 or -127
//   symmetric int4   least_squares_scale() of codes within [-8, 7]
//   asymmetric       [min(x, 0), max(x, 0)] -> [0, 2^bits - 1], the zero point exact
// The scale is rounded to its stored type first (f16 when grouped, f32 per channel), of extremes away from
// zero where rounding to nearest would clip. All-zero values give scale 0. Throws kUnsupported, naming
// `where`, when f16 cannot hold the scale.
GroupScale choose_scale(const Encoding& encoding, const float* values, std::int64_t count,
                        const std::string& where);

// A scale as it is stored: rounded to f16 when grouped, to f32 per channel.
float stored_scale(const Encoding& encoding, double exact);

// The scale under which codes within [-steps, steps - 1] give `count` finite values with nearly the least
// squared error: of some trials that take the element of largest magnitude to about -steps (so the scale's
// sign is opposite to its sign), each followed by the best scale for its codes. 0 where all values are.
float least_squares_scale(const float* values, std::int64_t count, int steps);

// The code nearest to value, clipped to [least, most].
int nearest_code(const GroupScale& group, float value, int least, int most);
// Clipped to the encoding's range.
int nearest_code(const Encoding& encoding, const GroupScale& group, float value);

inline float code_value(const GroupScale& group, int code) {
  return static_cast<float>(code - group.zero_point) * group.scale;
}

// Fills the buffers of an integer weight [n, k] in panel order. Every group must be set before its codes.
// Rows may be filled by several threads when no two of them share a panel.
class IntegerWeightBuilder {
 public:
  IntegerWeightBuilder(std::string name, const Encoding& encoding, std::int64_t n, std::int64_t k);

  const PanelGeometry& geometry() const { return geometry_; }
  const Encoding& encoding() const { return weight_.encoding; }
  // Stores scale and zero point and fills the group's codes up with the zero point.
  void set_group(std::int64_t row, std::int64_t group, const GroupScale& scale);
  void set_code(std::int64_t row, std::int64_t column, int code);
  // set_group, then the nearest code of each of the group's values (fewer in a short last group).
  void encode_group(std::int64_t row, std::int64_t group, const GroupScale& scale, const float* values);
  Weight finish() && { return std::move(weight_); }

 private:
  Weight weight_;
  PanelGeometry geometry_;
};

// Reads what such a builder has laid out, element by element: for converters. REQUIRES: a checked weight
// of int8 or int4 that outlives the reader.
class IntegerWeightReader {
 public:
  explicit IntegerWeightReader(const Weight& weight);

  const PanelGeometry& geometry() const { return geometry_; }
  GroupScale scale(std::int64_t row, std::int64_t group) const;
  int code(std::int64_t row, std::int64_t column) const;

 private:
  const Weight& weight_;
  PanelGeometry geometry_;
};

}  // namespace swiftlet
