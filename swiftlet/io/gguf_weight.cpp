#include "swiftlet/io/gguf_weight.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"
#include "swiftlet/encoding/integer.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

using Codes = std::array<std::int8_t, kGgmlGroup>;
using Values = std::array<float, kGgmlMostBlock>;

Weight like(const GgufWeightPlan& plan, std::string name) {
  Weight weight;
  weight.name = std::move(name);
  weight.shape = plan.shape;
  weight.encoding = plan.encoding;
  weight.layout = plan.layout;
  if (plan.encoding.is_integer()) weight.arithmetic = Arithmetic::kInt8;
  return weight;
}

// Row-major floats, row by row in their new order.
Buffer reordered_rows(const Buffer& bytes, const GgufTensor& tensor, const GgufRowOrder& order) {
  const std::int64_t rows = tensor.shape[0];
  const std::size_t row_bytes = bytes.size() / static_cast<std::size_t>(rows);
  Buffer out = Buffer::heap(bytes.size());
  for (std::int64_t row = 0; row < rows; ++row)
    std::memcpy(out.mutable_data() + static_cast<std::size_t>(row) * row_bytes,
                bytes.data() + static_cast<std::size_t>(order.in_file(row, rows)) * row_bytes, row_bytes);
  return out;
}

Buffer behind_zeros(const Buffer& bytes, std::size_t zeros) {
  Buffer out = Buffer::heap(zeros + bytes.size());
  std::memcpy(out.mutable_data() + zeros, bytes.data(), bytes.size());
  return out;
}

// Blocks as row-major f32.
Buffer decoded(const Buffer& bytes, const GgufTensor& tensor) {
  const GgmlType& type = *tensor.type;
  const std::size_t blocks = bytes.size() / static_cast<std::size_t>(type.bytes);
  Buffer out = Buffer::heap(blocks * static_cast<std::size_t>(type.block) * sizeof(float));
  auto* values = reinterpret_cast<float*>(out.mutable_data());
  for (std::size_t i = 0; i < blocks; ++i)
    type.decode(bytes.data() + i * static_cast<std::size_t>(type.bytes),
                values + i * static_cast<std::size_t>(type.block));
  return out;
}

// Lays the blocks of a matrix out in panels of int8 or int4. One panel is the work of one thread.
class PanelWriter {
 public:
  PanelWriter(const Buffer& bytes, const GgufTensor& tensor, const GgufRowOrder& order, std::string where,
              Weight& weight)
      : in_(bytes.data()),
        type_(*tensor.type),
        rows_(tensor.shape[0]),
        order_(order),
        geometry_(panel_geometry(weight.encoding, tensor.shape[0], tensor.shape[1])),
        where_(std::move(where)),
        encoding_(weight.encoding) {
    weight.codes = Buffer::heap(static_cast<std::size_t>(geometry_.code_bytes()));
    weight.scales = Buffer::heap(static_cast<std::size_t>(geometry_.scales_bytes()));
    codes_ = reinterpret_cast<std::uint8_t*>(weight.codes.mutable_data());
    scales_ = weight.scales.mutable_data();
  }

  std::int64_t panels() const { return geometry_.panels; }
  void write_panel(std::int64_t panel) {
    for (std::int64_t lane = 0; lane < kPanelRows && panel * kPanelRows + lane < rows_; ++lane)
      write_row(panel, lane);
  }
  std::int64_t rounded() const { return rounded_; }

 private:
  void write_row(std::int64_t panel, std::int64_t lane) {
    const std::int64_t groups = type_.block / kGgmlGroup, blocks = geometry_.groups / groups;
    const std::int64_t row = order_.in_file(panel * kPanelRows + lane, rows_);
    const std::byte* at = in_ + row * blocks * type_.bytes;
    Values values;
    for (std::int64_t block = 0; block < blocks; ++block, at += type_.bytes) {
      if (type_.codes == nullptr) type_.decode(at, values.data());
      for (std::int64_t group = 0; group < groups; ++group) {
        Codes codes;
        const float scale = type_.codes != nullptr ? take(at, static_cast<int>(group), codes)
                                                   : round(values.data() + group * kGgmlGroup, codes);
        store(panel, lane, block * groups + group, codes, scale);
      }
    }
  }

  // The codes of the file where they and their scale can be stored; else as round().
  float take(const std::byte* block, int group, Codes& codes) {
    float scale;
    type_.codes(block, group, codes.data(), &scale);
    const float stored = f16_to_f32(f32_to_f16(scale));
    const bool fits = encoding_.format == Format::kInt4 ||
                      std::find(codes.begin(), codes.end(), std::int8_t{-128}) == codes.end();
    if (fits && stored == scale && std::isfinite(scale)) return scale;
    // Rounded to f16 alone: the scale of IQ4_XS, a product.
    if (fits && type_.block > kGgmlGroup && std::abs(stored) >= 0x1p-14f && std::isfinite(stored))
      return stored;
    rounded_.fetch_add(1, std::memory_order_relaxed);
    Values values;
    type_.decode(block, values.data());
    return round(values.data() + group * kGgmlGroup, codes);
  }

  // The nearest codes of 32 values.
  float round(const float* values, Codes& codes) const {
    for (int i = 0; i < kGgmlGroup; ++i)
      require(std::isfinite(values[i]), where_, "expected finite values, the block holds {}", values[i]);
    const GroupScale group = choose_scale(encoding_, values, kGgmlGroup, where_);
    if (encoding_.format != Format::kInt8 || std::abs(group.scale) < 0x1p-120f) {
      for (int i = 0; i < kGgmlGroup; ++i)
        codes[static_cast<std::size_t>(i)] =
            static_cast<std::int8_t>(nearest_code(encoding_, group, values[i]) - group.zero_point);
      return group.scale;
    }
    // Quotients lie within 127 of zero, for the scale is never rounded below the largest: adding 1.5 * 2^23
    // rounds them to integers in the low bits.
    const float inverse = 1 / group.scale;
    for (int i = 0; i < kGgmlGroup; ++i) {
      const float sum = values[i] * inverse + 12582912.0f;
      codes[static_cast<std::size_t>(i)] =
          static_cast<std::int8_t>(std::bit_cast<std::int32_t>(sum) - 0x4b400000);
    }
    return group.scale;
  }

  void store(std::int64_t panel, std::int64_t lane, std::int64_t group, const Codes& codes, float scale) {
    const std::uint16_t half = f32_to_f16(scale);
    const std::int64_t index = (panel * geometry_.groups + group) * kPanelRows + lane;
    std::memcpy(scales_ + index * 2, &half, sizeof half);
    std::uint8_t* out = codes_ + panel * geometry_.panel_code_bytes;
    const std::int64_t column = group * kGgmlGroup;
    if (encoding_.format == Format::kInt8) {
      for (int i = 0; i < kGgmlGroup; i += 4) {  // four columns of a row lie side by side
        std::uint32_t four;
        std::memcpy(&four, codes.data() + i, sizeof four);
        four ^= 0x80808080u;  // + 128
        std::memcpy(out + Int8Codes::offset(lane, column + i), &four, sizeof four);
      }
      return;
    }
    for (int i = 0; i < kGgmlGroup; i += 8) {  // as do eight, the second four in the high nibbles
      std::uint32_t low, high;
      std::memcpy(&low, codes.data() + i, sizeof low);
      std::memcpy(&high, codes.data() + i + 4, sizeof high);
      // + 8 within each byte: adding without carries, then cut to the nibble
      low = (low ^ 0x08080808u) & 0x0f0f0f0fu;
      high = (high ^ 0x08080808u) & 0x0f0f0f0fu;
      const std::uint32_t four = low | high << 4;
      std::memcpy(out + Int4Codes::offset(lane, column + i), &four, sizeof four);
    }
  }

  const std::byte* in_;
  const GgmlType& type_;
  std::int64_t rows_;
  GgufRowOrder order_;
  PanelGeometry geometry_;
  std::string where_;
  Encoding encoding_;
  std::uint8_t* codes_ = nullptr;
  std::byte* scales_ = nullptr;
  std::atomic<std::int64_t> rounded_ = 0;
};

// The same for block formats, bit for bit.
class BlockPanelWriter {
 public:
  BlockPanelWriter(const Buffer& bytes, const GgufTensor& tensor, const GgufRowOrder& order,
                   std::string where, Weight& weight)
      : in_(bytes.data()),
        type_(*tensor.type),
        order_(order),
        geometry_(panel_geometry(weight.encoding, tensor.shape[0], tensor.shape[1])),
        block_(block_size(type_.format)),
        where_(std::move(where)) {
    weight.codes = Buffer::heap(static_cast<std::size_t>(geometry_.code_bytes()));
    codes_ = reinterpret_cast<std::uint8_t*>(weight.codes.mutable_data());
  }

  std::int64_t panels() const { return geometry_.panels; }
  void write_panel(std::int64_t panel) {
    const std::int64_t blocks = geometry_.k / block_.columns;
    for (std::int64_t lane = 0; lane < kPanelRows && panel * kPanelRows + lane < geometry_.n; ++lane) {
      const std::int64_t row = order_.in_file(panel * kPanelRows + lane, geometry_.n);
      const std::byte* from = in_ + row * blocks * type_.bytes;
      std::uint8_t* to = codes_ + panel * geometry_.panel_code_bytes;
      for (std::int64_t b = 0; b < blocks; ++b, from += type_.bytes, to += block_.bytes) {
        put_block(type_.format, from, to, lane);
        require(block_is_finite(type_.format, to, lane), where_,
                "expected finite scales, those of block {} of row {} are not", b, row);
      }
    }
  }

 private:
  const std::byte* in_;
  const GgmlType& type_;
  GgufRowOrder order_;
  PanelGeometry geometry_;
  BlockSize block_;
  std::string where_;
  std::uint8_t* codes_ = nullptr;
};

void add_to_all(Weight& weight, float added) {
  std::vector<float> values = decode(weight);
  for (float& value : values) value += added;
  weight = weight_from_tensor(weight.name, Tensor::from(values, weight.shape));
}

}  // namespace

GgufWeightPlan plan_gguf_weight(const GgufTensor& tensor, const GgufWeightOptions& options) {
  const GgmlType& type = *tensor.type;
  SWIFTLET_ASSERT(options.rows_in_front == 0 || tensor.shape.rank() == 2);
  GgufWeightPlan plan{.shape = tensor.shape, .copies = !options.order.is_same() || options.rows_in_front > 0};
  if (options.rows_in_front > 0) plan.shape = Shape{tensor.shape[0] + options.rows_in_front, tensor.shape[1]};
  const auto elements = static_cast<std::uint64_t>(plan.shape.elements());
  if (type.is_float()) {
    plan.encoding.format = type.format;
    plan.bytes = elements * static_cast<std::uint64_t>(type.bytes);
    return plan;
  }
  plan.copies = true;
  if (tensor.shape.rank() != 2 || options.rows_in_front > 0) {
    plan.bytes = elements * sizeof(float);
    return plan;
  }
  plan.encoding.format = type.format;
  plan.layout = Layout::kPanels;
  if (!plan.encoding.has_blocks()) {
    plan.encoding.group = kGgmlGroup;
    plan.rounds = type.codes == nullptr || (type.block > kGgmlGroup && type.format == Format::kInt8);
  }
  const PanelGeometry geometry = panel_geometry(plan.encoding, tensor.shape[0], tensor.shape[1]);
  plan.bytes = static_cast<std::uint64_t>(geometry.code_bytes() + geometry.scales_bytes());
  return plan;
}

Weight make_gguf_weight(const GgufFile& file, const GgufTensor& tensor, std::string name,
                        const GgufWeightOptions& options) {
  const GgufWeightPlan plan = plan_gguf_weight(tensor, options);
  const Buffer bytes = file.bytes(tensor);
  Weight weight = like(plan, std::move(name));
  if (!plan.copies) {
    weight.codes = bytes;
  } else if (plan.encoding.has_blocks()) {
    BlockPanelWriter writer(bytes, tensor, options.order, file.where_tensor(tensor.name), weight);
    for_each_panel(writer.panels(), options.pool, [&](std::int64_t panel) { writer.write_panel(panel); });
  } else if (plan.layout == Layout::kPanels) {
    PanelWriter writer(bytes, tensor, options.order, file.where_tensor(tensor.name), weight);
    for_each_panel(writer.panels(), options.pool, [&](std::int64_t panel) { writer.write_panel(panel); });
    if (writer.rounded() > 0)
      warn("{}: {} groups of {} cannot be stored as they are and were rounded",
           file.where_tensor(tensor.name), writer.rounded(), tensor.type->name);
  } else {
    const bool floats = tensor.type->is_float();
    weight.codes = floats ? bytes : decoded(bytes, tensor);
    if (!options.order.is_same()) weight.codes = reordered_rows(weight.codes, tensor, options.order);
    if (options.rows_in_front > 0)
      weight.codes = behind_zeros(weight.codes, static_cast<std::size_t>(plan.bytes) - weight.codes.size());
  }
  if (plan.copies) {
    check_mapped(bytes.bytes());
    release_mapped(bytes.bytes());
  }
  if (options.added != 0) add_to_all(weight, options.added);
  return weight;
}

}  // namespace swiftlet
