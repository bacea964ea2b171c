#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/prequantized_methods.h"
#include "swiftlet/io/prequantized_module.h"

namespace swiftlet {
namespace {

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

}  // namespace

QuantizedMatrices take_gptq(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  QuantizedMatrices matrices;
  for (const Module& module : modules_with(checkpoint, ".qweight"))
    matrices.push_back(std::make_shared<Gptq>(module, config));
  return matrices;
}

QuantizedMatrices take_awq(Checkpoint& checkpoint) {
  const Config config = *checkpoint.config.section("quantization_config");
  if (config.require_int("bits") != 4)
    fail(ErrorCode::kUnsupported, config.where() + ": bits", "only 4 is available");
  if (const std::string version = config.string_or("version", "gemm"); version != "gemm" && version != "GEMM")
    fail(ErrorCode::kUnsupported, config.where() + ": version", "'{}' is not available, only gemm",
         printable(version));
  QuantizedMatrices matrices;
  for (const Module& module : modules_with(checkpoint, ".qweight"))
    matrices.push_back(std::make_shared<Awq>(module, config));
  return matrices;
}

}  // namespace swiftlet
