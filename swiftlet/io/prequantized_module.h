// The tensors that tools store for one quantized matrix. Only for swiftlet/io.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// What is stored beside the packed codes, under one name with several ends.
class Module {
 public:
  Module(Checkpoint& checkpoint, std::string name) : checkpoint_(checkpoint), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::string where(std::string_view end = ".weight") const;
  bool has(const std::string& end) const;
  // Of what is no float of 16 bits or more.
  std::optional<DType> type_of(const std::string& end) const;
  // Takes an integer tensor of `dtype` out; fp8 counts as such.
  Tensor integers(const std::string& end, DType dtype) const;
  // Takes floats of any width out, as f32.
  Tensor floats(const std::string& end) const;
  void drop(const std::string& end) const;

 private:
  Checkpoint& checkpoint_;
  std::string name_;
};

// The modules that have a tensor with this end.
std::vector<Module> modules_with(Checkpoint& checkpoint, std::string_view end);

void expect_shape(const Tensor& tensor, const Shape& shape, const std::string& where);

// The value of `bits` bits that lies `shift` bits above the lowest of a word.
int part(const Tensor& words, std::int64_t word, int shift, int bits);

inline float at(const Tensor& values, std::int64_t index) {
  return values.span<float>()[static_cast<std::size_t>(index)];
}

}  // namespace swiftlet
