#include "swiftlet/encoding/weight.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "swiftlet/core/error.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/encoding/integer.h"
#include "swiftlet/encoding/panel_work.h"
#include "swiftlet/encoding/round_to_blocks.h"

namespace swiftlet {
namespace {

struct Extents {
  std::int64_t n = 1, k = 1;
};

// A vector is one row; tensors of higher rank are rows of all that follows the first dimension.
Extents extents_of(const Weight& weight) {
  const std::int64_t elements = weight.shape.elements();
  if (weight.shape.rank() <= 1) return {1, elements};
  const std::int64_t n = weight.shape[0];
  return {n, n == 0 ? 0 : elements / n};
}

Extents matrix_extents(const Weight& weight) {
  require(weight.shape.rank() == 2, weight.name, "expected a matrix, got shape {}", weight.shape.to_string());
  return {weight.shape[0], weight.shape[1]};
}

void check_buffer(const Weight& weight, const char* what, const Buffer& buffer, std::int64_t expected) {
  require(static_cast<std::int64_t>(buffer.size()) >= expected, weight.name,
          "{} of {} {} need {} bytes, got {}", what, to_string(weight.encoding), weight.shape.to_string(),
          expected, buffer.size());
}

// Calls f with the format as a constant, so that loops over elements need not ask for it.
template <class F>
void with_format(Format format, F f) {
  if (format == Format::kF32)
    f(std::integral_constant<Format, Format::kF32>());
  else if (format == Format::kF16)
    f(std::integral_constant<Format, Format::kF16>());
  else
    f(std::integral_constant<Format, Format::kBF16>());
}

void decode_float_row(const Weight& weight, const Extents& e, std::int64_t row, float* out) {
  with_format(weight.encoding.format, [&](auto format) {
    const std::int64_t bytes = float_bytes(format);
    if (weight.layout == Layout::kRows) {
      const std::byte* at = weight.codes.data() + row * e.k * bytes;
      for (std::int64_t c = 0; c < e.k; ++c) out[c] = load_float(format, at + c * bytes);
      return;
    }
    const PanelGeometry g = panel_geometry(weight.encoding, e.n, e.k);
    const std::byte* panel = weight.codes.data() + row / kPanelRows * g.panel_code_bytes;
    for (std::int64_t c = 0; c < e.k; ++c)
      out[c] = load_float(format, panel + float_panel_index(format, row % kPanelRows, c) * bytes);
  });
}

template <class Codes>
void decode_integer_row(const Weight& weight, const Extents& e, std::int64_t row, float* out) {
  const IntegerWeightReader reader(weight);
  const PanelGeometry& g = reader.geometry();
  const std::int64_t lane = row % kPanelRows;
  const auto* panel =
      reinterpret_cast<const std::uint8_t*>(weight.codes.data()) + row / kPanelRows * g.panel_code_bytes;
  for (std::int64_t group = 0; group < g.groups; ++group) {
    const GroupScale scale = reader.scale(row, group);
    const std::int64_t begin = group * g.group, count = std::min(g.group, e.k - begin);
    for (std::int64_t i = 0; i < count; ++i)
      out[begin + i] = code_value(scale, Codes::get(panel, lane, group * g.padded_group + i));
  }
}

void decode_row_unchecked(const Weight& weight, const Extents& e, std::int64_t row, float* out) {
  if (weight.encoding.has_blocks())
    decode_block_row(weight.encoding.format,
                     reinterpret_cast<const std::uint8_t*>(weight.codes.data()) +
                         row / kPanelRows * panel_geometry(weight.encoding, e.n, e.k).panel_code_bytes,
                     row % kPanelRows, e.k, out);
  else if (weight.encoding.format == Format::kInt8)
    decode_integer_row<Int8Codes>(weight, e, row, out);
  else if (weight.encoding.format == Format::kInt4)
    decode_integer_row<Int4Codes>(weight, e, row, out);
  else
    decode_float_row(weight, e, row, out);
}

bool all_finite(std::span<const float> values) {
  std::uint32_t broken = 0;
  for (const float value : values)
    broken |= (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  return broken == 0;
}

// Calls body(row, its finite values) for each row; all rows of a panel in one thread.
template <class Body>
void for_each_row(const Weight& rows, const Extents& e, ThreadPool* pool, Body body) {
  for_rows_of_panels(e.n, pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(static_cast<std::size_t>(e.k));
    for (std::int64_t row = begin; row < end; ++row) {
      decode_row_unchecked(rows, e, row, values.data());
      check_finite(rows, row, values);
      body(row, values.data());
    }
  });
}

Weight encode_integer(const Weight& rows, const Extents& e, const Encoding& encoding, ThreadPool* pool) {
  IntegerWeightBuilder builder(rows.name, encoding, e.n, e.k);
  const PanelGeometry& g = builder.geometry();
  for_each_row(rows, e, pool, [&](std::int64_t row, const float* values) {
    for (std::int64_t group = 0; group < g.groups; ++group) {
      const std::int64_t begin = group * g.group, end = std::min(begin + g.group, e.k);
      const GroupScale scale = choose_scale(encoding, values + begin, end - begin, rows.name);
      builder.encode_group(row, group, scale, values + begin);
    }
  });
  return std::move(builder).finish();
}

Weight encode_blocks(const Weight& rows, const Extents& e, const Encoding& encoding, ThreadPool* pool) {
  if (!rounds_to_blocks(encoding.format))
    fail(ErrorCode::kUnsupported, rows.name, "nothing is rounded to {}: it comes from GGUF files alone",
         to_string(encoding));
  if (const std::int64_t columns = block_size(encoding.format).columns; e.k % columns != 0)
    fail(ErrorCode::kUnsupported, rows.name,
         "{} needs a multiple of {} columns, got {}; int8 and int4 take any", to_string(encoding), columns,
         rows.shape.to_string());
  Weight encoded = rows;
  encoded.encoding = encoding;
  encoded.layout = Layout::kPanels;
  encoded.scales = encoded.zero_points = Buffer();
  const PanelGeometry g = panel_geometry(encoding, e.n, e.k);
  encoded.codes = Buffer::heap(static_cast<std::size_t>(g.code_bytes()));
  auto* codes = reinterpret_cast<std::uint8_t*>(encoded.codes.mutable_data());
  for_each_row(rows, e, pool, [&](std::int64_t row, const float* values) {
    round_to_blocks(encoding.format, values, e.k, codes + row / kPanelRows * g.panel_code_bytes,
                    row % kPanelRows, rows.name);
  });
  return encoded;
}

// An empty float weight in panel order.
Weight float_panels(const Weight& like, const Extents& e, Format format) {
  Weight packed = like;
  packed.encoding = {.format = format};
  packed.layout = Layout::kPanels;
  packed.scales = packed.zero_points = Buffer();
  packed.codes =
      Buffer::heap(static_cast<std::size_t>(panel_geometry(packed.encoding, e.n, e.k).code_bytes()));
  return packed;
}

// Rounds one row into its panel; false when an element leaves the format's range.
bool encode_float_row(Format which, const float* values, std::int64_t k, std::byte* panel,
                      std::int64_t lane) {
  bool fits = true;
  with_format(which, [&](auto format) {
    for (std::int64_t c = 0; c < k; ++c) {
      std::byte* at = panel + float_panel_index(format, lane, c) * float_bytes(format);
      store_float(format, values[c], at);
      fits &= std::isfinite(load_float(format, at));
    }
  });
  return fits;
}

Weight encode_float(const Weight& rows, const Extents& e, const Encoding& encoding, ThreadPool* pool) {
  Weight packed = float_panels(rows, e, encoding.format);
  const PanelGeometry g = panel_geometry(encoding, e.n, e.k);
  std::byte* codes = packed.codes.mutable_data();
  for_each_row(rows, e, pool, [&](std::int64_t row, const float* values) {
    std::byte* panel = codes + row / kPanelRows * g.panel_code_bytes;
    if (encode_float_row(encoding.format, values, e.k, panel, row % kPanelRows)) return;
    const float* largest =
        std::max_element(values, values + e.k, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    fail(ErrorCode::kInvalid, rows.name, "row {} column {} is {}, beyond the range of {}", row,
         largest - values, *largest, to_string(encoding));
  });
  return packed;
}

// Calls copy(row-major offset, panel offset, size) in bytes for every element; the size is a constant.
template <class Size, class Copy>
void for_elements_of(Size size, Format format, const Extents& e, std::int64_t panel_code_bytes, Copy copy) {
  const auto bytes = static_cast<std::int64_t>(size());
  for (std::int64_t row = 0; row < e.n; ++row) {
    const std::int64_t panel = row / kPanelRows * panel_code_bytes;
    for (std::int64_t c = 0; c < e.k; ++c)
      copy((row * e.k + c) * bytes, panel + float_panel_index(format, row % kPanelRows, c) * bytes, size);
  }
}

template <class Copy>
void for_each_element(Format format, const Extents& e, std::int64_t panel_code_bytes, Copy copy) {
  if (format == Format::kF32)
    for_elements_of(std::integral_constant<std::size_t, 4>(), Format::kF32, e, panel_code_bytes, copy);
  else
    for_elements_of(std::integral_constant<std::size_t, 2>(), Format::kF16, e, panel_code_bytes, copy);
}

}  // namespace

void check_finite(const Weight& weight, std::int64_t row, std::span<const float> values) {
  if (all_finite(values)) return;
  for (std::size_t c = 0; c < values.size(); ++c)
    require(std::isfinite(values[c]), weight.name, "expected finite values, row {} column {} is {}", row, c,
            values[c]);
}

std::string_view to_string(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::kF32:
      return "f32";
    case Arithmetic::kBF16:
      return "bf16";
    case Arithmetic::kInt8:
      return "int8";
  }
  return "?";
}

std::optional<Arithmetic> parse_arithmetic(std::string_view name) {
  for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kBF16, Arithmetic::kInt8})
    if (to_string(arithmetic) == name) return arithmetic;
  return std::nullopt;
}

void check_weight(const Weight& weight) {
  const Extents e = extents_of(weight);
  if (weight.layout == Layout::kRows) {
    require(!weight.encoding.is_integer(), weight.name, "{} is stored in panels, not in rows",
            to_string(weight.encoding));
    check_buffer(weight, "values", weight.codes, e.n * e.k * float_bytes(weight.encoding.format));
    return;
  }
  matrix_extents(weight);
  const PanelGeometry g = panel_geometry(weight.encoding, e.n, e.k);
  check_buffer(weight, "codes", weight.codes, g.code_bytes());
  check_buffer(weight, "scales", weight.scales, g.scales_bytes());
  if (weight.encoding.asymmetric)
    check_buffer(weight, "zero points", weight.zero_points, g.panels * g.groups * kPanelRows);
}

void check_mapped(const Weight& weight) {
  for (const Buffer* buffer : {&weight.codes, &weight.scales, &weight.zero_points})
    check_mapped(buffer->bytes());
}

void release_mapped(const Weight& weight) noexcept {
  for (const Buffer* buffer : {&weight.codes, &weight.scales, &weight.zero_points})
    release_mapped(buffer->bytes());
}

Weight weight_from_tensor(std::string name, const Tensor& tensor) {
  Weight weight;
  weight.name = std::move(name);
  weight.shape = tensor.shape();
  weight.codes = tensor.buffer();
  switch (tensor.dtype()) {
    case DType::kF32:
      weight.encoding.format = Format::kF32;
      break;
    case DType::kF16:
      weight.encoding.format = Format::kF16;
      break;
    case DType::kBF16:
      weight.encoding.format = Format::kBF16;
      break;
    default:
      fail(ErrorCode::kUnsupported, weight.name, "expected a weight of f32, f16 or bf16, got {}",
           dtype_name(tensor.dtype()));
  }
  check_weight(weight);
  return weight;
}

Weight encode(const Weight& rows, const Encoding& encoding, ThreadPool* pool) {
  check_weight(rows);
  const Extents e = matrix_extents(rows);
  Weight encoded = encoding.has_blocks()   ? encode_blocks(rows, e, encoding, pool)
                   : encoding.is_integer() ? encode_integer(rows, e, encoding, pool)
                                           : encode_float(rows, e, encoding, pool);
  encoded.arithmetic = rows.arithmetic;
  return encoded;
}

Weight pack(const Weight& weight) {
  if (weight.layout == Layout::kPanels) return weight;
  check_weight(weight);
  const Extents e = matrix_extents(weight);
  const Format format = weight.encoding.format;
  Weight packed = float_panels(weight, e, format);
  const std::int64_t panel_bytes = panel_geometry(weight.encoding, e.n, e.k).panel_code_bytes;
  const std::byte* from = weight.codes.data();
  std::byte* to = packed.codes.mutable_data();
  for_each_element(format, e, panel_bytes, [&](std::int64_t row_major, std::int64_t panel, auto bytes) {
    std::memcpy(to + panel, from + row_major, bytes);
  });
  return packed;
}

Weight unpack(const Weight& weight) {
  if (weight.layout == Layout::kRows) return weight;
  check_weight(weight);
  require(!weight.encoding.is_integer(), weight.name, "only float formats have a row-major layout, got {}",
          to_string(weight.encoding));
  const Extents e = matrix_extents(weight);
  const Format format = weight.encoding.format;
  Weight rows = weight;
  rows.layout = Layout::kRows;
  rows.codes = Buffer::heap(static_cast<std::size_t>(e.n * e.k * float_bytes(format)));
  const std::int64_t panel_bytes = panel_geometry(weight.encoding, e.n, e.k).panel_code_bytes;
  const std::byte* from = weight.codes.data();
  std::byte* to = rows.codes.mutable_data();
  for_each_element(format, e, panel_bytes, [&](std::int64_t row_major, std::int64_t panel, auto bytes) {
    std::memcpy(to + row_major, from + panel, bytes);
  });
  return rows;
}

void decode_row(const Weight& weight, std::int64_t row, float* out) {
  const Extents e = extents_of(weight);
  require(row >= 0 && row < e.n, weight.name, "expected a row below {}, got {}", e.n, row);
  decode_row_unchecked(weight, e, row, out);
}

std::vector<float> decode(const Weight& weight) {
  check_weight(weight);
  const Extents e = extents_of(weight);
  std::vector<float> values(static_cast<std::size_t>(e.n * e.k));
  for (std::int64_t row = 0; row < e.n; ++row)
    decode_row_unchecked(weight, e, row, values.data() + row * e.k);
  return values;
}

Weight slice_rows(const Weight& weight, std::int64_t begin, std::int64_t end) {
  check_weight(weight);
  const Extents e = weight.shape.rank() == 1 ? Extents{weight.shape[0], 1} : extents_of(weight);
  require(begin >= 0 && begin < end && end <= e.n, weight.name, "expected rows within {}, got [{}, {})", e.n,
          begin, end);
  std::vector<std::int64_t> dims(weight.shape.dims().begin(), weight.shape.dims().end());
  dims[0] = end - begin;
  Weight slice = weight;
  slice.shape = Shape(std::move(dims));
  const auto window = [](const Buffer& buffer, std::int64_t offset, std::int64_t bytes) {
    return buffer.slice(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes));
  };
  if (weight.layout == Layout::kRows) {
    const std::int64_t row_bytes = e.k * float_bytes(weight.encoding.format);
    slice.codes = window(weight.codes, begin * row_bytes, (end - begin) * row_bytes);
    return slice;
  }
  require(begin % kPanelRows == 0, weight.name, "a slice of panels starts at a multiple of {}, got row {}",
          kPanelRows, begin);
  const PanelGeometry g = panel_geometry(weight.encoding, end - begin, e.k);
  const std::int64_t first = begin / kPanelRows, lanes = g.groups * kPanelRows;
  slice.codes = window(weight.codes, first * g.panel_code_bytes, g.code_bytes());
  if (weight.encoding.is_integer())
    slice.scales = window(weight.scales, first * lanes * g.scale_bytes, g.scales_bytes());
  if (weight.encoding.asymmetric)
    slice.zero_points = window(weight.zero_points, first * lanes, g.panels * lanes);
  return slice;
}

}  // namespace swiftlet
