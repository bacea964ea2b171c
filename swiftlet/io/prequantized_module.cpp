#include "swiftlet/io/prequantized_module.h"

#include "swiftlet/io/json.h"

namespace swiftlet {

std::string Module::where(std::string_view end) const {
  return fmt::format("{}: tensor '{}{}'", checkpoint_.source, printable(name_), end);
}

bool Module::has(const std::string& end) const {
  return checkpoint_.tensors.contains(name_ + end) || checkpoint_.weights.contains(name_ + end);
}

std::optional<DType> Module::type_of(const std::string& end) const {
  const auto found = checkpoint_.tensors.find(name_ + end);
  return found == checkpoint_.tensors.end() ? std::nullopt : std::optional(found->second.dtype());
}

Tensor Module::integers(const std::string& end, DType dtype) const {
  const auto found = checkpoint_.tensors.find(name_ + end);
  require(found != checkpoint_.tensors.end(), where(end), "is missing");
  require(found->second.dtype() == dtype, where(end), "expected {}, is {}", dtype_name(dtype),
          dtype_name(found->second.dtype()));
  Tensor tensor = found->second;
  checkpoint_.tensors.erase(found);
  return tensor;
}

Tensor Module::floats(const std::string& end) const {
  require(checkpoint_.weights.contains(name_ + end), where(end), "is missing");
  const Weight weight = checkpoint_.with_bytes(name_ + end);
  Tensor tensor = Tensor::from(decode(weight), weight.shape);
  checkpoint_.weights.erase(name_ + end);
  checkpoint_.made_weights.erase(name_ + end);
  return tensor;
}

void Module::drop(const std::string& end) const {
  checkpoint_.tensors.erase(name_ + end);
  checkpoint_.weights.erase(name_ + end);
  checkpoint_.made_weights.erase(name_ + end);
}

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

}  // namespace swiftlet
