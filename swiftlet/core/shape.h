// Shape: the extents of a concrete tensor, row-major, last dimension contiguous.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace swiftlet {

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}

  std::size_t rank() const { return dims_.size(); }
  // Negative indices count from the end: shape[-1] is the contiguous dimension.
  std::int64_t operator[](int axis) const {
    return dims_[axis < 0 ? dims_.size() + static_cast<std::size_t>(axis) : static_cast<std::size_t>(axis)];
  }
  std::span<const std::int64_t> dims() const { return dims_; }
  // Product of all extents (1 for a scalar). Throws Error when it does not fit into 63 bits or an extent is
  // negative.
  std::int64_t elements() const;
  std::string to_string() const;  // "[2, 384]"
  bool operator==(const Shape&) const = default;

 private:
  std::vector<std::int64_t> dims_;
};

}  // namespace swiftlet
