#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/prequantized_methods.h"
#include "swiftlet/io/prequantized_module.h"

namespace swiftlet {
namespace {

// Codes are stored with half their range added. pack-quantized: weight_packed [N, K * bits / 32], words of a
// row, and weight_shape; zero points packed along N. int-quantized: weight [N, K] of int8. weight_scale
// [N, groups], [N, 1] or [1].
class CompressedTensors final : public QuantizedMatrix {
 public:
  CompressedTensors(const Module& module, int width, bool packed) : width_(width), packed_(packed) {
    name = module.name() + ".weight";
    where = module.where(packed ? ".weight_packed" : ".weight");
    bits = width;
    codes_ = packed ? module.integers(".weight_packed", DType::kI32) : module.integers(".weight", DType::kI8);
    require(codes_.shape().rank() == 2, where, "expected a matrix, is {}", codes_.shape().to_string());
    n = codes_.shape()[0];
    k = packed ? columns(module) : codes_.shape()[1];
    require(n > 0 && k > 0, where, "is {}", codes_.shape().to_string());
    read_scales(module);
    read_zeros(module);
    if (module.has(".weight_g_idx"))
      fail(ErrorCode::kUnsupported, module.where(".weight_g_idx"),
           "the order of activations is not available");
  }

  void read_codes(std::int64_t row, std::uint8_t* codes, GroupScale* scales) const override {
    const std::int64_t words = codes_.shape()[1];
    for (std::int64_t i = 0; i < k; ++i)
      codes[i] = static_cast<std::uint8_t>(
          packed_
              ? part(codes_, row * words + i / per_word(), static_cast<int>(i % per_word()) * width_, width_)
              : codes_.span<std::int8_t>()[static_cast<std::size_t>(row * k + i)] + 128);
    for (std::int64_t g = 0; g < groups(); ++g)
      scales[g] = {at(scales_, one_scale_ ? 0 : row * groups() + g), zero(row, g)};
  }

 private:
  int per_word() const { return 32 / width_; }

  std::int64_t columns(const Module& module) const {
    const Tensor shape = module.integers(".weight_shape", DType::kI64);
    expect_shape(shape, Shape{2}, module.where(".weight_shape"));
    const auto dims = shape.span<std::int64_t>();
    require(dims[0] == n && dims[1] > 0 && (dims[1] + per_word() - 1) / per_word() == codes_.shape()[1],
            module.where(".weight_shape"), "says [{}, {}], which is not that of {} in words", dims[0],
            dims[1], codes_.shape().to_string());
    return dims[1];
  }

  void read_scales(const Module& module) {
    scales_ = module.floats(".weight_scale");
    one_scale_ = scales_.shape().elements() == 1;
    group = k;
    if (one_scale_) return;
    const Shape& shape = scales_.shape();
    require(shape.rank() == 2 && shape[0] == n && shape[1] > 0 && k % shape[1] == 0,
            module.where(".weight_scale"), "expected scales of [{}, {}], is {}", n, k, shape.to_string());
    group = k / shape[1];
  }

  void read_zeros(const Module& module) {
    if (!module.has(".weight_zero_point")) return;
    const std::string place = module.where(".weight_zero_point");
    packed_zeros_ = packed_;
    zeros_ = module.integers(".weight_zero_point", packed_ ? DType::kI32 : DType::kI8);
    if (packed_zeros_)
      expect_shape(zeros_, Shape{(n + per_word() - 1) / per_word(), groups()}, place);
    else
      require(zeros_.shape().elements() == (one_scale_ ? 1 : n * groups()), place, "is {}",
              zeros_.shape().to_string());
    has_zeros_ = true;
    for (std::int64_t i = 0; i < groups() * n && !asymmetric; ++i)
      asymmetric = zero(i / groups(), i % groups()) != 1 << (width_ - 1);
  }

  int zero(std::int64_t row, std::int64_t g) const {
    const int middle = 1 << (width_ - 1);
    if (!has_zeros_) return middle;
    if (packed_zeros_)
      return part(zeros_, row / per_word() * groups() + g, static_cast<int>(row % per_word()) * width_,
                  width_);
    return zeros_.span<std::int8_t>()[static_cast<std::size_t>(one_scale_ ? 0 : row * groups() + g)] + middle;
  }

  int width_;
  bool packed_, one_scale_ = false, has_zeros_ = false, packed_zeros_ = false;
  Tensor codes_, scales_, zeros_;
};

// What the weights of all groups of the config share.
struct Scheme {
  std::string type;  // "int", "float"
  std::int64_t bits = 0;
  std::vector<std::int64_t> block_size;  // strategy "block"
  auto operator<=>(const Scheme&) const = default;
};

Scheme scheme_of(const Config& config) {
  const auto groups = config.section("config_groups");
  if (!groups) config.fail_value("config_groups", "an object");
  std::set<Scheme> schemes;
  for (const auto& [name, value] : groups->json().items()) {
    const auto group = groups->section(name);
    const auto weights = group ? group->section("weights") : std::nullopt;
    if (!weights) groups->fail_value(name, "an object with \"weights\"");
    Scheme scheme{weights->string_or("type", "int"), weights->require_int("num_bits"), {}};
    if (weights->has("block_structure")) scheme.block_size = weights->ints("block_structure");
    schemes.insert(std::move(scheme));
  }
  if (schemes.size() != 1)
    fail(ErrorCode::kUnsupported, groups->where(), "expected groups of one kind of weights, there are {}",
         schemes.size());
  const Scheme& scheme = *schemes.begin();
  const bool known = scheme.type == "int" ? scheme.bits == 4 || scheme.bits == 8
                                          : scheme.type == "float" && scheme.bits == 8;
  if (!known)
    fail(ErrorCode::kUnsupported, groups->where(),
         "{} of {} bits is not available, only int of 4 and 8 bits and float of 8", printable(scheme.type),
         scheme.bits);
  return scheme;
}

}  // namespace

QuantizedMatrices take_compressed(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  const std::string format = config.require_string("format");
  const bool packed = format == "pack-quantized";
  if (!packed && format != "int-quantized" && format != "float-quantized" && format != "naive-quantized")
    fail(ErrorCode::kUnsupported, config.where() + ": format",
         "'{}' is not available, only pack-quantized, int-quantized, float-quantized and naive-quantized",
         printable(format));
  const Scheme scheme = scheme_of(config);
  if (scheme.type == "float") return take_float8(checkpoint, scheme.block_size);
  const auto width = static_cast<int>(scheme.bits);
  if (!packed && width != 8)
    fail(ErrorCode::kUnsupported, config.where() + ": format", "int-quantized is available with 8 bits only");
  QuantizedMatrices matrices;
  for (const Module& module : modules_with(checkpoint, packed ? ".weight_packed" : ".weight"))
    if (packed || module.has(".weight_scale"))
      matrices.push_back(std::make_shared<CompressedTensors>(module, width, packed));
  return matrices;
}

}  // namespace swiftlet
