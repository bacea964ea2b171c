// A row of plain values that a program fills in, or that lies ready in a mapped file.
//
// Owns what it holds or shares the mapping. Filled by one thread, then read by any number.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "swiftlet/core/buffer.h"

namespace swiftlet::text {

template <class T>
class FlatTable {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  FlatTable() = default;
  explicit FlatTable(std::vector<T> values) : own_(std::move(values)) { refresh(); }
  // REQUIRES: bytes.size() is a multiple of sizeof(T), and the bytes are aligned for it.
  explicit FlatTable(Buffer bytes)
      : mapped_(std::move(bytes)),
        data_(reinterpret_cast<const T*>(mapped_.data())),
        size_(mapped_.size() / sizeof(T)) {}

  FlatTable(const FlatTable& other)
      : own_(other.own_), mapped_(other.mapped_), data_(other.data_), size_(other.size_) {
    if (mapped_.size() == 0) refresh();
  }
  FlatTable(FlatTable&& other) noexcept { swap(other); }
  FlatTable& operator=(FlatTable other) noexcept {
    swap(other);
    return *this;
  }
  ~FlatTable() = default;
  void swap(FlatTable& other) noexcept {
    own_.swap(other.own_);
    std::swap(mapped_, other.mapped_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  const T& operator[](std::size_t i) const { return data_[i]; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(data_, size_)); }

  // REQUIRES of all that change: the table owns its values.
  void set(std::size_t i, const T& value) { own_[i] = value; }
  void reserve(std::size_t count) {
    own_.reserve(count);
    refresh();
  }
  void resize(std::size_t count, const T& value = T()) {
    own_.resize(count, value);
    refresh();
  }
  template <class Range>
  void append(const Range& values) {
    own_.insert(own_.end(), std::begin(values), std::end(values));
    refresh();
  }

 private:
  void refresh() {
    data_ = own_.data();
    size_ = own_.size();
  }

  std::vector<T> own_;
  Buffer mapped_;
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace swiftlet::text
