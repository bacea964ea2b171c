#include "swiftlet/io/mxfp4_experts.h"

#include <array>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/ggml_blocks.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/stacked_experts.h"

namespace swiftlet {
namespace {

using Matrices = std::vector<std::shared_ptr<const QuantizedMatrix>>;

constexpr std::uint32_t kGgmlMxfp4 = 39;
constexpr std::int64_t kBlock = 32, kBlockBytes = 16;

// The rows first, first + step, ... of one expert.
class Mxfp4 final : public QuantizedMatrix {
 public:
  Mxfp4(Tensor blocks, Tensor scales, std::int64_t expert, std::int64_t first, std::int64_t step)
      : blocks_(std::move(blocks)), scales_(std::move(scales)), expert_(expert), first_(first), step_(step) {
    n = blocks_.shape()[1] / step;
    k = blocks_.shape()[2] * kBlock;
    bits = 8;
    group = kBlock;
  }

  // ggml has the same blocks with the exponent in front and the nibbles in another order.
  void read_codes(std::int64_t row, std::uint8_t* codes, GroupScale* scales) const override {
    static const GgmlType& type = *find_ggml_type(kGgmlMxfp4);
    const std::int64_t source = (expert_ * blocks_.shape()[1] + first_ + row * step_) * groups();
    for (std::int64_t g = 0; g < groups(); ++g, codes += kBlock) {
      std::array<std::byte, 1 + kBlockBytes> block;
      block[0] = scales_.data<std::byte>()[source + g];
      std::memcpy(block.data() + 1, blocks_.data<std::byte>() + (source + g) * kBlockBytes, kBlockBytes);
      std::array<std::int8_t, kBlock> values;
      type.codes(block.data(), 0, values.data(), &scales[g].scale);
      scales[g].zero_point = 128;
      for (std::size_t i = 0; i < kBlock; ++i)
        codes[i] = static_cast<std::uint8_t>(128 + values[i / 2 + i % 2 * kBlockBytes]);
    }
  }

 private:
  Tensor blocks_, scales_;
  std::int64_t expert_, first_, step_;
};

Tensor take(Checkpoint& checkpoint, const std::string& name, std::size_t rank) {
  const std::string where = fmt::format("{}: tensor '{}'", checkpoint.source, printable(name));
  const auto found = checkpoint.tensors.find(name);
  require(found != checkpoint.tensors.end(), where, "is missing");
  const Tensor tensor = found->second;
  require(tensor.dtype() == DType::kU8 && tensor.shape().rank() == rank && tensor.elements() > 0, where,
          "expected u8 with {} dimensions, is {}{}", rank, dtype_name(tensor.dtype()),
          tensor.shape().to_string());
  checkpoint.tensors.erase(found);
  return tensor;
}

// `projections` take turns in the rows.
void take_stack(Checkpoint& checkpoint, const std::string& stem, const std::string& list,
                const std::vector<std::string_view>& projections, Matrices& matrices) {
  const Tensor blocks = take(checkpoint, stem + "_blocks", 4), scales = take(checkpoint, stem + "_scales", 3);
  const std::string where = fmt::format("{}: tensor '{}_blocks'", checkpoint.source, printable(stem));
  const Shape& shape = blocks.shape();
  const std::int64_t step = std::ssize(projections);
  require(shape[3] == kBlockBytes && shape[1] % step == 0, where,
          "expected [experts, {}rows, blocks, {}], is {}", step > 1 ? "2 * " : "", kBlockBytes,
          shape.to_string());
  require(scales.shape() == Shape({shape[0], shape[1], shape[2]}), where, "is {}, but its scales are {}",
          shape.to_string(), scales.shape().to_string());
  for (std::int64_t expert = 0; expert < shape[0]; ++expert)
    for (std::int64_t part = 0; part < step; ++part) {
      auto matrix = std::make_shared<Mxfp4>(blocks, scales, expert, part, step);
      matrix->name = expert_name(list, expert, projections[static_cast<std::size_t>(part)]);
      matrix->where = where;
      matrices.push_back(std::move(matrix));
    }
}

}  // namespace

Matrices take_mxfp4_experts(Checkpoint& checkpoint) {
  constexpr std::string_view kEnd = ".gate_up_proj_blocks";
  std::vector<std::string> lists;  // "model.layers.0.mlp.experts"
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (name.ends_with(kEnd)) lists.push_back(name.substr(0, name.size() - kEnd.size()));
  Matrices matrices;
  for (const std::string& list : lists) {
    take_stack(checkpoint, list + ".gate_up_proj", list, {"gate_proj", "up_proj"}, matrices);
    take_stack(checkpoint, list + ".down_proj", list, {"down_proj"}, matrices);
  }
  return matrices;
}

}  // namespace swiftlet
