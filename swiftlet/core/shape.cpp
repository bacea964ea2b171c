#include "swiftlet/core/shape.h"

#include <fmt/ranges.h>

#include "swiftlet/core/error.h"

namespace swiftlet {

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (std::int64_t extent : dims_) {
    require(extent >= 0, "shape", "negative extent in {}", to_string());
    require(!__builtin_mul_overflow(product, extent, &product), "shape",
            "{} has more elements than 63 bits hold", to_string());
  }
  return product;
}

std::string Shape::to_string() const {
  return fmt::format("[{}]", fmt::join(dims_, ", "));
}

}  // namespace swiftlet
