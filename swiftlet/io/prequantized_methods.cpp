#include "swiftlet/io/prequantized_methods.h"

#include <array>
#include <cstring>
#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/mxfp4_experts.h"

namespace swiftlet {
namespace {

using Matrices = std::vector<std::shared_ptr<const QuantizedMatrix>>;

// What is stored beside the packed codes, under one name with several ends.
class Module {
 public:
  Module(Checkpoint& checkpoint, std::string name) : checkpoint_(checkpoint), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::string where(std::string_view end = ".weight") const {
    return fmt::format("{}: tensor '{}{}'", checkpoint_.source, printable(name_), end);
  }
  bool has(const std::string& end) const {
    return checkpoint_.tensors.contains(name_ + end) || checkpoint_.weights.contains(name_ + end);
  }
  // Takes an integer tensor of `dtype` out.
  Tensor integers(const std::string& end, DType dtype) const {
    const auto found = checkpoint_.tensors.find(name_ + end);
    require(found != checkpoint_.tensors.end(), where(end), "is missing");
    require(found->second.dtype() == dtype, where(end), "expected {}, is {}", dtype_name(dtype),
            dtype_name(found->second.dtype()));
    Tensor tensor = found->second;
    checkpoint_.tensors.erase(found);
    return tensor;
  }
  // Takes floats of any width out, as f32.
  Tensor floats(const std::string& end) const {
    const Weight weight = checkpoint_.with_bytes(require_float(end));
    Tensor tensor = Tensor::from(decode(weight), weight.shape);
    checkpoint_.weights.erase(name_ + end);
    checkpoint_.made_weights.erase(name_ + end);
    return tensor;
  }
  void drop(const std::string& end) const {
    checkpoint_.tensors.erase(name_ + end);
    checkpoint_.weights.erase(name_ + end);
    checkpoint_.made_weights.erase(name_ + end);
  }

 private:
  std::string require_float(const std::string& end) const {
    require(checkpoint_.weights.contains(name_ + end), where(end), "is missing");
    return name_ + end;
  }

  Checkpoint& checkpoint_;
  std::string name_;
};

// The modules that have a tensor with this end.
std::vector<Module> modules_with(Checkpoint& checkpoint, std::string_view end) {
  std::vector<Module> modules;
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (name.ends_with(end)) modules.emplace_back(checkpoint, name.substr(0, name.size() - end.size()));
  return modules;
}

void expect_shape(const Tensor& tensor, const Shape& shape, const std::string& where) {
  require(tensor.shape() == shape, where, "expected {}, is {}", shape.to_string(),
          tensor.shape().to_string());
}

int part(const Tensor& words, std::int64_t word, int shift, int bits) {
  const auto value = static_cast<std::uint32_t>(words.span<std::int32_t>()[static_cast<std::size_t>(word)]);
  return static_cast<int>(value >> shift & ((1u << bits) - 1));
}

float at(const Tensor& values, std::int64_t index) {
  return values.span<float>()[static_cast<std::size_t>(index)];
}

std::int64_t group_of(const Config& config, std::int64_t k, const Module& module) {
  const std::int64_t group = config.int_or("group_size", -1, -1, 1 << 20);
  require(group != 0, config.where() + ": group_size", "expected -1 or a number of columns, is 0");
  if (group == -1) return k;
  require(k % group == 0, module.where(), "has {} columns, groups have {}", k, group);
  return group;
}

// What GPTQ and AWQ store alike: words of codes, words of zero points, scales [groups, N].
class GroupedWords : public QuantizedMatrix {
 protected:
  explicit GroupedWords(const Module& module) {
    name = module.name() + ".weight";
    where = module.where(".qweight");
    words_ = module.integers(".qweight", DType::kI32);
    zeros_ = module.integers(".qzeros", DType::kI32);
    scales_ = module.floats(".scales");
    require(words_.shape().rank() == 2, where, "expected a matrix, is {}", words_.shape().to_string());
  }
  // Once n, k and group are known.
  void check_groups(const Module& module, std::int64_t per_word) const {
    expect_shape(scales_, Shape{groups(), n}, module.where(".scales"));
    expect_shape(zeros_, Shape{groups(), n / per_word}, module.where(".qzeros"));
  }

  Tensor words_, zeros_, scales_;
};

// qweight [K * bits / 32, N], several rows of a column in each word; qzeros [groups, N * bits / 32]; scales
// [groups, N]. g_idx [K] tells the group of every row where they do not follow each other.
class Gptq final : public GroupedWords {
 public:
  Gptq(const Module& module, const Config& config) : GroupedWords(module) {
    width_ = static_cast<int>(config.require_int("bits", 2, 8));
    if (width_ != 2 && width_ != 4 && width_ != 8)
      fail(ErrorCode::kUnsupported, config.where() + ": bits", "{} is not available, only 2, 4 and 8",
           width_);
    added_ = config.string_or("checkpoint_format", "gptq") == "gptq_v2" ? 0 : 1;
    n = words_.shape()[1];
    k = words_.shape()[0] * per_word();
    require(n > 0 && k > 0 && n % per_word() == 0, where, "is {}, which does not divide into words",
            words_.shape().to_string());
    group = group_of(config, k, module);
    check_groups(module, per_word());
    read_order(module);
    if (order_.empty()) bits = width_;
    for (std::int64_t i = 0; i < groups() * n && !asymmetric; ++i)
      asymmetric = zero(i / n, i % n) != 1 << (width_ - 1);
  }

  void read_codes(std::int64_t row, std::uint8_t* codes, GroupScale* scales) const override {
    for (std::int64_t i = 0; i < k; ++i) codes[i] = static_cast<std::uint8_t>(code(row, i));
    for (std::int64_t g = 0; g < groups(); ++g) scales[g] = scale(row, g);
  }
  void read_values(std::int64_t row, float* values) const override {
    for (std::int64_t i = 0; i < k; ++i)
      values[i] = code_value(scale(row, order_[static_cast<std::size_t>(i)]), code(row, i));
  }

 private:
  int per_word() const { return 32 / width_; }
  int code(std::int64_t row, std::int64_t column) const {
    return part(words_, column / per_word() * n + row, static_cast<int>(column % per_word()) * width_,
                width_);
  }
  int zero(std::int64_t g, std::int64_t row) const {
    const int stored =
        part(zeros_, (g * n + row) / per_word(), static_cast<int>(row % per_word()) * width_, width_);
    return (stored + added_) & ((1 << width_) - 1);  // the sum wraps, as in the kernels of AutoGPTQ
  }
  GroupScale scale(std::int64_t row, std::int64_t g) const {
    return {at(scales_, g * n + row), zero(g, row)};
  }

  // Stays empty where groups follow each other.
  void read_order(const Module& module) {
    if (!module.has(".g_idx")) return;
    const Tensor order = module.integers(".g_idx", DType::kI32);
    expect_shape(order, Shape{k}, module.where(".g_idx"));
    bool in_order = true;
    for (std::int64_t i = 0; i < k; ++i) {
      const std::int32_t g = order.span<std::int32_t>()[static_cast<std::size_t>(i)];
      require(g >= 0 && g < groups(), module.where(".g_idx"), "names group {} of {}", g, groups());
      in_order &= g == i / group;
      order_.push_back(g);
    }
    if (in_order) order_.clear();
  }

  int width_ = 4, added_ = 1;
  std::vector<std::int32_t> order_;
};

Matrices take_gptq(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  Matrices matrices;
  for (const Module& module : modules_with(checkpoint, ".qweight"))
    matrices.push_back(std::make_shared<Gptq>(module, config));
  return matrices;
}

// qweight [K, N / 8] and qzeros [groups, N / 8] of 4 bits, the eight columns of a word in an order of their
// own; scales [groups, N].
class Awq final : public GroupedWords {
 public:
  Awq(const Module& module, const Config& config) : GroupedWords(module) {
    k = words_.shape()[0];
    n = words_.shape()[1] * 8;
    require(n > 0 && k > 0, where, "is {}", words_.shape().to_string());
    bits = 4;
    group = group_of(config, k, module);
    check_groups(module, 8);
    for (std::int64_t i = 0; i < groups() * n && !asymmetric; ++i)
      asymmetric = get(zeros_, i / n, i % n) != 8;
  }

  void read_codes(std::int64_t row, std::uint8_t* codes, GroupScale* scales) const override {
    for (std::int64_t i = 0; i < k; ++i) codes[i] = static_cast<std::uint8_t>(get(words_, i, row));
    for (std::int64_t g = 0; g < groups(); ++g) scales[g] = {at(scales_, g * n + row), get(zeros_, g, row)};
  }

 private:
  int get(const Tensor& words, std::int64_t line, std::int64_t row) const {
    constexpr int kPlace[] = {0, 4, 1, 5, 2, 6, 3, 7};  // of a column in its word
    return part(words, line * (n / 8) + row / 8, 4 * kPlace[row % 8], 4);
  }
};

Matrices take_awq(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  if (config.require_int("bits") != 4)
    fail(ErrorCode::kUnsupported, config.where() + ": bits", "only 4 is available");
  if (const std::string version = config.string_or("version", "gemm"); version != "gemm" && version != "GEMM")
    fail(ErrorCode::kUnsupported, config.where() + ": version", "'{}' is not available, only gemm",
         printable(version));
  Matrices matrices;
  for (const Module& module : modules_with(checkpoint, ".qweight"))
    matrices.push_back(std::make_shared<Awq>(module, config));
  return matrices;
}

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

// The number of bits that all groups of the config share.
int compressed_bits(const Config& config) {
  const auto groups = config.section("config_groups");
  if (!groups) config.fail_value("config_groups", "an object");
  std::set<std::int64_t> widths;
  for (const auto& [name, value] : groups->json().items()) {
    const auto group = groups->section(name);
    const auto weights = group ? group->section("weights") : std::nullopt;
    if (!weights) groups->fail_value(name, "an object with \"weights\"");
    if (weights->string_or("type", "int") != "int")
      fail(ErrorCode::kUnsupported, weights->where() + ": type", "only int is available");
    widths.insert(weights->require_int("num_bits"));
  }
  if (widths.size() != 1 || (*widths.begin() != 4 && *widths.begin() != 8))
    fail(ErrorCode::kUnsupported, groups->where(), "expected weights of 4 or of 8 bits");
  return static_cast<int>(*widths.begin());
}

Matrices take_compressed(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  const std::string format = config.require_string("format");
  const bool packed = format == "pack-quantized";
  if (!packed && format != "int-quantized" && format != "naive-quantized")
    fail(ErrorCode::kUnsupported, config.where() + ": format",
         "'{}' is not available, only pack-quantized and int-quantized", printable(format));
  const int width = compressed_bits(config);
  if (!packed && width != 8)
    fail(ErrorCode::kUnsupported, config.where() + ": format", "int-quantized is available with 8 bits only");
  Matrices matrices;
  for (const Module& module : modules_with(checkpoint, packed ? ".weight_packed" : ".weight"))
    if (packed || module.has(".weight_scale"))
      matrices.push_back(std::make_shared<CompressedTensors>(module, width, packed));
  return matrices;
}

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

Matrices take_bitsandbytes(Checkpoint& checkpoint) {
  Matrices matrices;
  for (const char* kind : {"nf4", "fp4"})
    for (const Module& module :
         modules_with(checkpoint, std::string(".weight.quant_state.bitsandbytes__") + kind))
      matrices.push_back(std::make_shared<BitsAndBytes4>(module, kind));
  for (const Module& module : modules_with(checkpoint, ".weight"))
    if (module.has(".SCB")) matrices.push_back(std::make_shared<BitsAndBytes8>(module));
  return matrices;
}

constexpr std::array kMethods{QuantizationMethod{"gptq", take_gptq}, QuantizationMethod{"awq", take_awq},
                              QuantizationMethod{"compressed-tensors", take_compressed},
                              QuantizationMethod{"bitsandbytes", take_bitsandbytes},
                              QuantizationMethod{"mxfp4", take_mxfp4_experts}};

}  // namespace

const QuantizationMethod& find_quantization_method(const Config& config) {
  const auto section = config.section("quantization_config");
  if (!section) config.fail_value("quantization_config", "an object");
  const std::string name = section->require_string("quant_method");
  std::string known;
  for (const QuantizationMethod& method : kMethods) {
    if (method.name == name) return method;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", method.name);
  }
  fail(ErrorCode::kUnsupported, section->where() + ": quant_method", "'{}' is not available; known are {}",
       printable(name), known);
}

}  // namespace swiftlet
