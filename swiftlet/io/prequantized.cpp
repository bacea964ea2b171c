#include "swiftlet/io/prequantized.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/core/log.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/panel_work.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/prequantized_methods.h"

namespace swiftlet {
namespace {

void check_finite(std::span<const float> values, const QuantizedMatrix& matrix, std::int64_t row) {
  for (std::size_t i = 0; i < values.size(); ++i)
    require(std::isfinite(values[i]), matrix.where, "row {}, column {} is {}", row, i, values[i]);
}

// Values in rows, in a float format.
Weight make_rows(const QuantizedMatrix& matrix, ThreadPool* pool) {
  Weight weight;
  weight.name = matrix.name;
  weight.shape = Shape{matrix.n, matrix.k};
  weight.encoding = matrix.values_as;
  const std::int64_t row_bytes = matrix.k * float_bytes(weight.encoding.format);
  weight.codes = Buffer::heap(static_cast<std::size_t>(matrix.n * row_bytes));
  std::byte* const out = weight.codes.mutable_data();
  for_rows_of_panels(matrix.n, pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(static_cast<std::size_t>(matrix.k));
    for (std::int64_t row = begin; row < end; ++row) {
      matrix.read_values(row, values.data());
      check_finite(values, matrix, row);
      std::byte* to = out + row * row_bytes;
      for (const float value : values) {
        store_float(weight.encoding.format, value, to);
        to += float_bytes(weight.encoding.format);
      }
    }
  });
  return weight;
}

// Of what codes are known, or of values to be rounded to such.
class Builder {
 public:
  explicit Builder(const QuantizedMatrix& matrix)
      : matrix_(matrix),
        encoding_(encoding_of(matrix)),
        builder_(matrix.name, encoding_, matrix.n, matrix.k) {}

  std::int64_t panels() const { return builder_.geometry().panels; }
  std::int64_t rounded() const { return rounded_; }
  Weight finish() && {
    Weight weight = std::move(builder_).finish();
    weight.arithmetic = Arithmetic::kInt8;
    return weight;
  }

  void write_panel(std::int64_t panel) {
    const std::int64_t end = std::min((panel + 1) * kPanelRows, matrix_.n);
    for (std::int64_t row = panel * kPanelRows; row < end; ++row)
      matrix_.bits > 0 ? write_codes(row) : write_values(row);
  }

 private:
  void write_codes(std::int64_t row) {
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(matrix_.k));
    std::vector<GroupScale> scales(static_cast<std::size_t>(matrix_.groups()));
    matrix_.read_codes(row, codes.data(), scales.data());
    std::vector<float> values;
    for (std::int64_t g = 0; g < matrix_.groups(); ++g) {
      const GroupScale& scale = scales[static_cast<std::size_t>(g)];
      check(scale, row);
      const std::int64_t begin = g * matrix_.group, end = std::min(begin + matrix_.group, matrix_.k);
      const std::uint8_t* const first = codes.data() + begin;
      if (const auto stored = as_stored(scale, first, codes.data() + end)) {
        builder_.set_group(row, g, *stored);
        const int shift = stored->zero_point - scale.zero_point;
        for (std::int64_t i = begin; i < end; ++i)
          builder_.set_code(row, i, codes[static_cast<std::size_t>(i)] + shift);
        continue;
      }
      values.clear();
      for (std::int64_t i = begin; i < end; ++i)
        values.push_back(code_value(scale, codes[static_cast<std::size_t>(i)]));
      round(row, g, values);
    }
  }

  void write_values(std::int64_t row) {
    std::vector<float> values(static_cast<std::size_t>(matrix_.k));
    matrix_.read_values(row, values.data());
    check_finite(values, matrix_, row);
    for (std::int64_t g = 0; g < builder_.geometry().groups; ++g) {
      const std::int64_t begin = g * encoding_.group, end = std::min(begin + encoding_.group, matrix_.k);
      const std::span<const float> part(values.data() + begin, static_cast<std::size_t>(end - begin));
      builder_.encode_group(row, g, choose_scale(encoding_, part.data(), end - begin, matrix_.where),
                            part.data());
    }
  }

  void check(const GroupScale& scale, std::int64_t row) const {
    require(std::isfinite(scale.scale), matrix_.where, "a scale of row {} is {}", row, scale.scale);
  }

  // Scale and zero point as our encoding has them, where it can: codes move with the zero point.
  std::optional<GroupScale> as_stored(const GroupScale& scale, const std::uint8_t* begin,
                                      const std::uint8_t* end) const {
    const bool grouped = encoding_.group > 0;
    if (grouped && f16_to_f32(f32_to_f16(scale.scale)) != scale.scale) return std::nullopt;
    const int most = (1 << encoding_.bits()) - 1, middle = 1 << (encoding_.bits() - 1);
    GroupScale stored = scale;
    if (!encoding_.asymmetric) stored.zero_point = middle;
    const int shift = stored.zero_point - scale.zero_point;
    const auto [low, high] = std::minmax_element(begin, end);
    // -128 is no code of symmetric int8.
    const int least = encoding_.format == Format::kInt8 && !encoding_.asymmetric ? 1 : 0;
    const bool fits =
        *low + shift >= least && *high + shift <= most && stored.zero_point >= 0 && stored.zero_point <= most;
    return fits ? std::optional(stored) : std::nullopt;
  }

  void round(std::int64_t row, std::int64_t group, const std::vector<float>& values) {
    const auto count = static_cast<std::int64_t>(values.size());
    builder_.encode_group(row, group, choose_scale(encoding_, values.data(), count, matrix_.where),
                          values.data());
    ++rounded_;
  }

  const QuantizedMatrix& matrix_;
  Encoding encoding_;
  IntegerWeightBuilder builder_;
  std::atomic<std::int64_t> rounded_ = 0;
};

// Takes the key away, which the weights no longer deserve.
Config without_quantization(const Config& config) {
  nlohmann::json json = config.json();
  json.erase("quantization_config");
  return Config::parse(json.dump(), config.where());
}

}  // namespace

void QuantizedMatrix::read_codes(std::int64_t, std::uint8_t*, GroupScale*) const {
  SWIFTLET_ASSERT(bits == 0);
}
void QuantizedMatrix::read_values(std::int64_t, float*) const {
  SWIFTLET_ASSERT(bits > 0);
}

Encoding encoding_of(const QuantizedMatrix& matrix) {
  if (matrix.bits == 0) return matrix.values_as;
  Encoding encoding{.format = matrix.bits <= 4 ? Format::kInt4 : Format::kInt8,
                    .group = static_cast<int>(matrix.group),
                    .asymmetric = matrix.asymmetric};
  if (matrix.group == matrix.k) encoding.group = 0;
  return encoding;
}

Weight make_weight(const QuantizedMatrix& matrix, ThreadPool* pool) {
  if (!encoding_of(matrix).is_integer()) return make_rows(matrix, pool);
  Builder builder(matrix);
  for_each_panel(builder.panels(), pool, [&](std::int64_t panel) { builder.write_panel(panel); });
  if (builder.rounded() > 0)
    warn("{}: {} groups of {} cannot be stored as they are and were rounded", matrix.where, builder.rounded(),
         matrix.n * matrix.groups());
  return std::move(builder).finish();
}

void join_quantized(Checkpoint& checkpoint, bool stream) {
  if (!checkpoint.config.has("quantization_config")) return;
  const QuantizationMethod& method = find_quantization_method(checkpoint.config);
  const auto matrices = method.take(checkpoint);
  require(!matrices.empty(), checkpoint.config.where() + ": quantization_config",
          "expected weights of {}, there are none", method.name);
  std::int64_t rounded = 0;
  std::string rounded_to;
  std::optional<ThreadPool> pool;
  if (!stream) pool.emplace();
  for (const auto& matrix : matrices) {
    if (matrix->bits == 0) {
      ++rounded;
      rounded_to = to_string(matrix->values_as);
    }
    require(!checkpoint.weights.contains(matrix->name), matrix->where, "is a second '{}'", matrix->name);
    if (!stream) {
      checkpoint.weights.emplace(matrix->name, make_weight(*matrix, &*pool));
      continue;
    }
    Weight weight;
    weight.name = matrix->name;
    weight.shape = Shape{matrix->n, matrix->k};
    weight.encoding = encoding_of(*matrix);
    if (weight.encoding.is_integer()) {
      weight.layout = Layout::kPanels;
      weight.arithmetic = Arithmetic::kInt8;
    }
    checkpoint.weights.emplace(matrix->name, std::move(weight));
    checkpoint.made_weights.emplace(matrix->name, [matrix] { return make_weight(*matrix, nullptr); });
  }
  if (rounded > 0)
    warn("{}: {} matrices of {} cannot run as they are and were rounded to {}", checkpoint.source, rounded,
         method.name, rounded_to);
  checkpoint.config = without_quantization(checkpoint.config);
}

}  // namespace swiftlet
