#include "swiftlet/io/gguf_encode.h"

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/integer.h"

namespace swiftlet {
namespace {

const GgmlType& type_named(std::string_view name) {
  for (const GgmlType& type : ggml_types())
    if (type.name == name) return type;
  SWIFTLET_ASSERT(false);
  return ggml_types().front();
}

// Of a format that one type has alone: floats and blocks.
const GgmlType& type_with(Format format) {
  for (const GgmlType& type : ggml_types())
    if (type.format == format) return type;
  SWIFTLET_ASSERT(false);
  return ggml_types().front();
}

// Whether no block of 32 columns needs two scales.
bool in_blocks(const Weight& weight) {
  const Encoding& encoding = weight.encoding;
  return weight.shape.rank() == 2 && weight.shape[1] % kGgmlGroup == 0 && encoding.group % kGgmlGroup == 0;
}

std::uint16_t half_of(float value, const Weight& weight) {
  const std::uint16_t half = f32_to_f16(value);
  require(std::isfinite(f16_to_f32(half)), weight.name, "{} is beyond the range of f16", value);
  return half;
}

// Q8_0, Q4_0 and Q4_1.
class BlockWriter {
 public:
  BlockWriter(const Weight& weight, const GgmlType& type)
      : weight_(weight), reader_(weight), type_(type), blocks_(weight.shape[1] / kGgmlGroup) {
    bytes_.resize(static_cast<std::size_t>(blocks_ * type.bytes));
  }

  std::span<const std::byte> row(std::int64_t row) {
    std::byte* out = bytes_.data();
    for (std::int64_t block = 0; block < blocks_; ++block, out += type_.bytes) {
      const std::int64_t column = block * kGgmlGroup;
      const GroupScale scale = reader_.scale(row, column / reader_.geometry().group);
      const std::uint16_t d = half_of(scale.scale, weight_);
      std::memcpy(out, &d, sizeof d);
      const int shift = type_.name == "Q4_1" ? 0 : scale.zero_point;
      if (type_.name == "Q8_0") {
        for (int i = 0; i < kGgmlGroup; ++i)
          out[2 + i] = static_cast<std::byte>(reader_.code(row, column + i) - shift);
        continue;
      }
      std::byte* nibbles = out + 2;
      if (type_.name == "Q4_1") {
        const std::uint16_t m = half_of(-f16_to_f32(d) * static_cast<float>(scale.zero_point), weight_);
        std::memcpy(nibbles, &m, sizeof m);
        nibbles += 2;
      }
      for (int i = 0; i < kGgmlGroup / 2; ++i)
        nibbles[i] = static_cast<std::byte>(reader_.code(row, column + i) |
                                            reader_.code(row, column + i + kGgmlGroup / 2) << 4);
    }
    return bytes_;
  }

 private:
  const Weight& weight_;
  IntegerWeightReader reader_;
  const GgmlType& type_;
  std::int64_t blocks_;
  std::vector<std::byte> bytes_;
};

// Block formats, bit for bit.
class BlockCopier {
 public:
  explicit BlockCopier(const Weight& weight)
      : format_(weight.encoding.format),
        size_(block_size(format_)),
        geometry_(panel_geometry(weight.encoding, weight.shape[0], weight.shape[1])),
        codes_(reinterpret_cast<const std::uint8_t*>(weight.codes.data())),
        bytes_(static_cast<std::size_t>(geometry_.panel_code_bytes / kPanelRows)) {}

  std::span<const std::byte> row(std::int64_t row) {
    const std::uint8_t* block = codes_ + row / kPanelRows * geometry_.panel_code_bytes;
    for (std::size_t at = 0; at < bytes_.size();
         at += static_cast<std::size_t>(size_.bytes / kPanelRows), block += size_.bytes)
      take_block(format_, block, row % kPanelRows, bytes_.data() + at);
    return bytes_;
  }

 private:
  Format format_;
  BlockSize size_;
  PanelGeometry geometry_;
  const std::uint8_t* codes_;
  std::vector<std::byte> bytes_;
};

// F32, F16 and BF16.
class FloatWriter {
 public:
  FloatWriter(const Weight& weight, const GgmlType& type) : weight_(weight), type_(type) {}

  std::span<const std::byte> row(const std::vector<float>& values) {
    bytes_.resize(values.size() * static_cast<std::size_t>(type_.bytes));
    std::byte* out = bytes_.data();
    for (const float value : values) {
      store_float(type_.format, value, out);
      require(std::isfinite(load_float(type_.format, out)), weight_.name, "holds {}, which {} cannot", value,
              type_.name);
      out += type_.bytes;
    }
    return bytes_;
  }

 private:
  const Weight& weight_;
  const GgmlType& type_;
  std::vector<std::byte> bytes_;
};

}  // namespace

const GgmlType& gguf_type_of(const Weight& weight) {
  const Encoding& encoding = weight.encoding;
  if (weight.shape.rank() != 2) return type_named("F32");
  if (encoding.format == Format::kQ4R) return type_named("F16");
  if (encoding.format == Format::kF32 || encoding.has_blocks()) return type_with(encoding.format);
  if (encoding.format == Format::kBF16) return type_named("BF16");
  if (!encoding.is_integer() || !in_blocks(weight)) return type_named("F16");
  if (encoding.format == Format::kInt8) return type_named(encoding.asymmetric ? "F16" : "Q8_0");
  return type_named(encoding.asymmetric ? "Q4_1" : "Q4_0");
}

const GgmlType& gguf_type_of_both(const GgmlType& a, const GgmlType& b) {
  if (a.name == b.name) return a;
  const auto is_symmetric = [](const GgmlType& type) { return type.name == "Q8_0" || type.name == "Q4_0"; };
  return type_named(is_symmetric(a) && is_symmetric(b) ? "Q8_0" : "F32");
}

bool gguf_rounds(const Weight& weight) {
  const Encoding& encoding = weight.encoding;
  if (encoding.has_blocks()) return encoding.format == Format::kQ4R;
  return encoding.is_integer() && (!in_blocks(weight) || encoding.asymmetric || encoding.group == 0);
}

void write_gguf_rows(const Weight& weight, const GgmlType& type,
                     const std::function<std::int64_t(std::int64_t)>& order, float added,
                     const std::function<void(std::span<const std::byte>)>& write) {
  check_weight(weight);
  if (weight.encoding.has_blocks() && !type.is_float()) {
    SWIFTLET_ASSERT(type.format == weight.encoding.format);
    BlockCopier copier(weight);
    for (std::int64_t row = 0; row < weight.shape[0]; ++row) write(copier.row(order(row)));
    return;
  }
  if (!type.is_float()) {
    BlockWriter writer(weight, type);
    for (std::int64_t row = 0; row < weight.shape[0]; ++row) write(writer.row(order(row)));
    return;
  }
  FloatWriter writer(weight, type);
  std::vector<float> values(
      static_cast<std::size_t>(weight.shape.rank() < 2 ? weight.shape.elements() : weight.shape[1]));
  if (weight.shape.rank() < 2) {
    decode_row(weight, 0, values.data());
    std::vector<float> ordered;
    for (std::size_t i = 0; i < values.size(); ++i)
      ordered.push_back(values[static_cast<std::size_t>(order(static_cast<std::int64_t>(i)))] + added);
    write(writer.row(ordered));
    return;
  }
  for (std::int64_t row = 0; row < weight.shape[0]; ++row) {
    decode_row(weight, order(row), values.data());
    write(writer.row(values));
  }
}

}  // namespace swiftlet
