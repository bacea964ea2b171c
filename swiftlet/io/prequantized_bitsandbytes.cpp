#include "swiftlet/core/error.h"
#include "swiftlet/io/prequantized_methods.h"
#include "swiftlet/io/prequantized_module.h"

namespace swiftlet {
namespace {

// Rows of int8, value = code * SCB / 127.
class BitsAndBytes8 final : public QuantizedMatrix {
 public:
  explicit BitsAndBytes8(const Module& module) {
    name = module.name() + ".weight";
    where = module.where();
    codes_ = module.integers(".weight", DType::kI8);
    scales_ = module.floats(".SCB");
    module.drop(".weight_format");
    require(codes_.shape().rank() == 2 && codes_.shape().elements() > 0, where, "expected a matrix, is {}",
            codes_.shape().to_string());
    n = codes_.shape()[0];
    k = group = codes_.shape()[1];
    bits = 8;
    expect_shape(scales_, Shape{n}, module.where(".SCB"));
  }

  void read_codes(std::int64_t row, std::uint8_t* codes, GroupScale* scales) const override {
    for (std::int64_t i = 0; i < k; ++i)
      codes[i] =
          static_cast<std::uint8_t>(codes_.span<std::int8_t>()[static_cast<std::size_t>(row * k + i)] + 128);
    scales[0] = {at(scales_, row) / 127, 128};
  }

 private:
  Tensor codes_, scales_;
};

// Two codes a byte, the first in the high half, along all elements row by row; value = map[code] * absmax of
// the block. absmax may be quantized itself: map[code] * absmax of 256 blocks + offset.
class BitsAndBytes4 final : public QuantizedMatrix {
 public:
  BitsAndBytes4(const Module& module, const std::string& kind) {
    name = module.name() + ".weight";
    where = module.where();
    const std::string state_name = ".weight.quant_state.bitsandbytes__" + kind;
    const Tensor json = module.integers(state_name, DType::kU8);
    const auto text = json.span<std::uint8_t>();
    const Config state =
        Config::parse({reinterpret_cast<const char*>(text.data()), text.size()}, module.where(state_name));
    const auto shape = state.ints("shape");
    require(shape.size() == 2 && shape[0] > 0 && shape[1] > 0 && shape[0] < (1 << 30) && shape[1] < (1 << 30),
            state.where() + ": shape", "expected two extents");
    n = shape[0];
    k = shape[1];
    block_ = state.require_int("blocksize", 1, 1 << 20);
    codes_ = module.integers(".weight", DType::kU8);
    require(codes_.shape().elements() == (n * k + 1) / 2, where, "is {}, expected {} bytes for [{}, {}]",
            codes_.shape().to_string(), (n * k + 1) / 2, n, k);
    map_ = module.floats(".weight.quant_map");
    expect_shape(map_, Shape{16}, module.where(".weight.quant_map"));
    read_absmax(module, state);
  }

  void read_values(std::int64_t row, float* values) const override {
    const auto bytes = codes_.span<std::uint8_t>();
    for (std::int64_t i = 0; i < k; ++i) {
      const std::int64_t element = row * k + i;
      const int byte = bytes[static_cast<std::size_t>(element / 2)];
      values[i] = at(map_, element % 2 == 0 ? byte >> 4 : byte & 15) *
                  absmax_[static_cast<std::size_t>(element / block_)];
    }
  }

 private:
  void read_absmax(const Module& module, const Config& state) {
    const std::int64_t blocks = (n * k + block_ - 1) / block_;
    const std::string place = module.where(".weight.absmax");
    if (!module.has(".weight.nested_absmax")) {
      const Tensor absmax = module.floats(".weight.absmax");
      expect_shape(absmax, Shape{blocks}, place);
      absmax_.assign(absmax.span<float>().begin(), absmax.span<float>().end());
      return;
    }
    const std::int64_t nested = state.require_int("nested_blocksize", 1, 1 << 20);
    const auto offset = static_cast<float>(state.require_number("nested_offset"));
    const Tensor codes = module.integers(".weight.absmax", DType::kU8);
    const Tensor map = module.floats(".weight.nested_quant_map"),
                 scale = module.floats(".weight.nested_absmax");
    expect_shape(codes, Shape{blocks}, place);
    expect_shape(map, Shape{256}, module.where(".weight.nested_quant_map"));
    expect_shape(scale, Shape{(blocks + nested - 1) / nested}, module.where(".weight.nested_absmax"));
    for (std::int64_t i = 0; i < blocks; ++i)
      absmax_.push_back(
          at(map, codes.span<std::uint8_t>()[static_cast<std::size_t>(i)]) * at(scale, i / nested) + offset);
  }

  std::int64_t block_ = 64;
  Tensor codes_, map_;
  std::vector<float> absmax_;
};

}  // namespace

QuantizedMatrices take_bitsandbytes(Checkpoint& checkpoint) {
  QuantizedMatrices matrices;
  for (const char* kind : {"nf4", "fp4"})
    for (const Module& module :
         modules_with(checkpoint, std::string(".weight.quant_state.bitsandbytes__") + kind))
      matrices.push_back(std::make_shared<BitsAndBytes4>(module, kind));
  for (const Module& module : modules_with(checkpoint, ".weight"))
    if (module.has(".SCB")) matrices.push_back(std::make_shared<BitsAndBytes8>(module));
  return matrices;
}

}  // namespace swiftlet
