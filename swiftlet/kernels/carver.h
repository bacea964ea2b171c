// Hands out the parts of a workspace one after the other, each on a cache line; with a null base it only
// counts, so that planning and running are the same code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace swiftlet::kernels {

inline constexpr std::size_t kCarverAlignment = 64;

inline std::int64_t round_up_to_line(std::int64_t bytes) {
  constexpr auto kLine = static_cast<std::int64_t>(kCarverAlignment);
  return (bytes + kLine - 1) / kLine * kLine;
}

struct Carver {
  std::byte* base;
  std::size_t used = 0;

  template <class T>
  T* take(std::int64_t count) {
    std::byte* at = base == nullptr ? nullptr : base + used;
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    used += (bytes + kCarverAlignment - 1) / kCarverAlignment * kCarverAlignment;
    return reinterpret_cast<T*>(at);
  }
};

}  // namespace swiftlet::kernels
