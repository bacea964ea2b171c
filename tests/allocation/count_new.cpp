// Replaces operator new alone: malloc belongs to the sanitizer.
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/allocation/count_allocations.h"

namespace {
std::atomic<long> count{0};
}

long swiftlet::test::allocations() {
  return count.load();
}

// Not inlined: a compiler that sees malloc and free behind new and delete takes them for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  count.fetch_add(1, std::memory_order_relaxed);
  if (void* data = std::malloc(bytes)) return data;
  throw std::bad_alloc();
}
// std::stable_sort asks for its buffer in this way and gives it back to the plain operator delete.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  count.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* data) noexcept {
  std::free(data);
}
[[gnu::noinline]] void operator delete(void* data, std::size_t) noexcept {
  std::free(data);
}
