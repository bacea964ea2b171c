#include "swiftlet/io/conv1d.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "swiftlet/core/error.h"

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

}  // namespace

bool is_conv1d(const Config& config, std::string_view name) {
  constexpr std::array kNames{".c_attn.weight", ".c_proj.weight", ".c_fc.weight", ".q_attn.weight"};
  return config.string_or("model_type", "") == "gpt2" &&
         std::any_of(kNames.begin(), kNames.end(), [&](std::string_view end) { return name.ends_with(end); });
}

Weight transposed(const Weight& weight) {
  SWIFTLET_ASSERT(weight.layout == Layout::kRows && weight.shape.rank() == 2);
  Weight turned = weight;
  turned.shape = Shape{weight.shape[1], weight.shape[0]};
  turned.codes = transpose(weight.codes, weight.shape[0], weight.shape[1], element_bytes(weight));
  return turned;
}

void transpose_conv1d(Checkpoint& checkpoint, bool stream) {
  for (auto& [name, weight] : checkpoint.weights) {
    if (!is_conv1d(checkpoint.config, name) || weight.shape.rank() != 2) continue;
    if (weight.encoding.is_integer()) continue;  // quantized by tools that turn it themselves
    const auto known = checkpoint.made_weights.find(name);
    const auto maker = known == checkpoint.made_weights.end() ? std::function<Weight()>() : known->second;
    const auto make = [as_stored = weight, maker] {
      const Weight stored = maker ? maker() : as_stored;
      Weight turned = transposed(stored);
      check_mapped(stored);
      release_mapped(stored);
      return turned;
    };
    if (stream) {
      weight.shape = Shape{weight.shape[1], weight.shape[0]};
      weight.codes = {};
      checkpoint.made_weights[name] = make;
    } else {
      weight = make();
    }
  }
}

}  // namespace swiftlet
