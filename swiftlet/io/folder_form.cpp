#include "swiftlet/io/folder_form.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/core/memory.h"

namespace swiftlet {
namespace {

Buffer transpose(const Buffer& from, std::int64_t rows, std::int64_t columns, std::size_t width) {
  Buffer to = Buffer::heap(static_cast<std::size_t>(rows * columns) * width);
  constexpr std::int64_t kTile = 32;  // so that both sides stay in the cache
  const std::byte* x = from.data();
  std::byte* y = to.mutable_data();
  for (std::int64_t top = 0; top < rows; top += kTile)
    for (std::int64_t left = 0; left < columns; left += kTile)
      for (std::int64_t i = top; i < std::min(top + kTile, rows); ++i)
        for (std::int64_t j = left; j < std::min(left + kTile, columns); ++j)
          std::memcpy(y + static_cast<std::size_t>(j * rows + i) * width,
                      x + static_cast<std::size_t>(i * columns + j) * width, width);
  return to;
}

std::size_t element_bytes(const Weight& weight) {
  return weight.encoding.format == Format::kF32 ? 4 : 2;
}

bool is_conv1d(const Config& config, std::string_view name) {
  constexpr std::array kNames{".c_attn.weight", ".c_proj.weight", ".c_fc.weight", ".q_attn.weight"};
  return config.string_or("model_type", "") == "gpt2" &&
         std::any_of(kNames.begin(), kNames.end(), [&](std::string_view end) { return name.ends_with(end); });
}

bool is_convolution(const Config& config, std::string_view name) {
  return config.string_or("model_type", "") == "deberta-v2" && name.ends_with("encoder.conv.conv.weight");
}

std::int64_t groups_of(const Config& config) {
  return config.int_or("conv_groups", 1, 1, 1 << 16);
}

Weight transposed(const Weight& weight) {
  SWIFTLET_ASSERT(weight.layout == Layout::kRows && weight.shape.rank() == 2);
  Weight turned = weight;
  turned.shape = Shape{weight.shape[1], weight.shape[0]};
  turned.codes = transpose(weight.codes, weight.shape[0], weight.shape[1], element_bytes(weight));
  return turned;
}

// Kernels [out, in / groups, size] and the matrix [out, in * size]: each row has its kernel among the columns
// of its group, copied from one side to the other.
Weight between_groups(const Weight& weight, const Shape& shape, std::int64_t groups, bool to_matrix) {
  Weight other = weight;
  other.shape = shape;
  const std::int64_t outputs = shape[0], own = weight.shape.elements() / outputs,
                     other_row = shape.elements() / outputs, kernel = std::min(own, other_row);
  const std::size_t width = element_bytes(weight), bytes = static_cast<std::size_t>(kernel) * width;
  check_fits(weight.name, static_cast<std::uint64_t>(shape.elements()) * width);
  other.codes = Buffer::heap(static_cast<std::size_t>(shape.elements()) * width);
  std::memset(other.codes.mutable_data(), 0, other.codes.size());
  for (std::int64_t row = 0; row < outputs; ++row) {
    const std::int64_t place = row / (outputs / groups) * kernel;
    std::memcpy(other.codes.mutable_data() +
                    static_cast<std::size_t>(row * other_row + (to_matrix ? place : 0)) * width,
                weight.codes.data() + static_cast<std::size_t>(row * own + (to_matrix ? 0 : place)) * width,
                bytes);
  }
  return other;
}

// What becomes of the shape in a folder.
Shape own_shape(const Config& config, const Weight& weight) {
  if (is_conv1d(config, weight.name)) return Shape{weight.shape[1], weight.shape[0]};
  const std::int64_t groups = groups_of(config);
  require(weight.shape[0] % groups == 0, fmt::format("{}: conv_groups", config.where()),
          "{} groups do not divide {} of shape {}", groups, weight.name, weight.shape.to_string());
  return Shape{weight.shape[0], weight.shape[1] * weight.shape[2] * groups};
}

Weight own_form(const Config& config, const Weight& weight) {
  if (is_conv1d(config, weight.name)) return transposed(weight);
  return between_groups(weight, own_shape(config, weight), groups_of(config), true);
}

std::size_t rank_in_folder(const Config& config, std::string_view name) {
  return is_conv1d(config, name) ? 2 : 3;
}

}  // namespace

bool has_folder_form(const Config& config, std::string_view name) {
  return is_conv1d(config, name) || is_convolution(config, name);
}

void leave_folder_form(Checkpoint& checkpoint, bool stream) {
  for (auto& [name, weight] : checkpoint.weights) {
    if (!has_folder_form(checkpoint.config, name) ||
        weight.shape.rank() != rank_in_folder(checkpoint.config, name))
      continue;
    if (weight.encoding.is_integer()) continue;  // quantized by tools that turn it themselves
    const auto known = checkpoint.made_weights.find(name);
    const auto maker = known == checkpoint.made_weights.end() ? std::function<Weight()>() : known->second;
    const auto make = [as_stored = weight, maker, config = checkpoint.config] {
      const Weight stored = maker ? maker() : as_stored;
      Weight turned = own_form(config, stored);
      check_mapped(stored);
      release_mapped(stored);
      return turned;
    };
    if (stream) {
      weight.shape = own_shape(checkpoint.config, weight);
      weight.codes = {};
      checkpoint.made_weights[name] = make;
    } else {
      weight = make();
    }
  }
}

Shape folder_shape(const Config& config, const Weight& weight) {
  if (!has_folder_form(config, weight.name) || weight.shape.rank() != 2) return weight.shape;
  if (is_conv1d(config, weight.name)) return Shape{weight.shape[1], weight.shape[0]};
  const std::int64_t size = config.int_or("conv_kernel_size", 1, 1, 1024), groups = groups_of(config);
  return Shape{weight.shape[0], weight.shape[1] / (size * groups), size};
}

Weight folder_form(const Config& config, const Weight& weight) {
  if (!has_folder_form(config, weight.name) || weight.shape.rank() != 2) return weight;
  if (is_conv1d(config, weight.name)) return transposed(weight);
  return between_groups(weight, folder_shape(config, weight), groups_of(config), false);
}

}  // namespace swiftlet
