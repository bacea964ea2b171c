#include "swiftlet/core/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr std::size_t kLine = 64;
// Buffers that take several huge pages ask for them: kernels that walk through many rows at once otherwise
// wait for the tables of small pages. Where the system grants none, nothing is lost.
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kManyPages = 4 * kHugePage;

}  // namespace

Buffer Buffer::heap(std::size_t bytes) {
  const std::size_t align = bytes >= kManyPages ? kHugePage : kLine;
  Buffer buffer;
  std::size_t padded = 0;
  if (__builtin_add_overflow(bytes, kLine + align - 1, &padded))
    fail(ErrorCode::kMemory, "buffer", "{} bytes cannot be allocated", bytes);
  padded &= ~(align - 1);
  void* data = std::aligned_alloc(align, padded);
  if (data == nullptr) fail(ErrorCode::kMemory, "buffer", "{} bytes cannot be allocated", bytes);
  if (align == kHugePage) ::madvise(data, padded, MADV_HUGEPAGE);
  std::memset(data, 0, bytes + kLine);
  buffer.owner_ = std::shared_ptr<const void>(data, [](const void* p) { std::free(const_cast<void*>(p)); });
  buffer.data_ = static_cast<const std::byte*>(data);
  buffer.size_ = bytes;
  buffer.writable_ = true;
  return buffer;
}

Buffer Buffer::borrowed(std::shared_ptr<const void> owner, const std::byte* data, std::size_t bytes) {
  Buffer buffer;
  buffer.owner_ = std::move(owner);
  buffer.data_ = data;
  buffer.size_ = bytes;
  return buffer;
}

std::byte* Buffer::mutable_data() {
  SWIFTLET_ASSERT(writable_);
  return const_cast<std::byte*>(data_);
}

Buffer Buffer::slice(std::size_t offset, std::size_t bytes) const {
  SWIFTLET_ASSERT(offset <= size_ && bytes <= size_ - offset);
  Buffer window = *this;
  window.data_ += offset;
  window.size_ = bytes;
  return window;
}

}  // namespace swiftlet
