// Buffer: a shared, untyped block of memory: heap (64-byte aligned) or a mapped file.
//
// Copies share the block; the last owner frees it. The bytes of a mapped file are read-only.
// Any thread may read; writers must be alone.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace swiftlet {

class Buffer {
 public:
  Buffer() = default;

  // Zero-filled, 64-byte aligned, with 64 readable bytes behind the end for vector tails. Throws kMemory.
  static Buffer heap(std::size_t bytes);
  // A window onto memory owned by `owner` (a mapped file, another library's allocation).
  static Buffer borrowed(std::shared_ptr<const void> owner, const std::byte* data, std::size_t bytes);

  const std::byte* data() const { return data_; }
  // Writable bytes; only for heap buffers.
  std::byte* mutable_data();
  std::size_t size() const { return size_; }
  bool is_heap() const { return writable_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // A window of this buffer that shares its owner.
  Buffer slice(std::size_t offset, std::size_t bytes) const;

 private:
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool writable_ = false;
};

}  // namespace swiftlet
