// Which two neighbouring tokens byte-pair encoding may join, how urgently, and into what.
//
// An open-addressing table over pairs of ids. Filled once, then read by any number of threads.
#pragma once

#include <cstdint>
#include <vector>

namespace swiftlet::text {

struct Merge {
  std::uint32_t rank;  // the lowest is joined first; among equals the leftmost
  std::int32_t id;     // of the joined token
};

class MergeTable {
 public:
  explicit MergeTable(std::size_t merges);
  // REQUIRES: no more merges than announced. A pair that comes again replaces its earlier merge.
  void set(std::int32_t left, std::int32_t right, Merge merge);
  // f(left, right) for every pair, in no order.
  template <class F>
  void each(F&& f) const {
    for (const Slot& slot : slots_)
      if (slot.key != kFree)
        f(static_cast<std::int32_t>(slot.key >> 32), static_cast<std::int32_t>(slot.key & UINT32_MAX));
  }
  // Null when the two do not join.
  const Merge* find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = slot_of(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i].merge;
      if (slots_[i].key == kFree) return nullptr;
    }
  }

 private:
  static constexpr std::uint64_t kFree = UINT64_MAX;
  struct Slot {
    std::uint64_t key = kFree;
    Merge merge{};
  };
  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> shift_);
  }

  std::vector<Slot> slots_;
  std::size_t mask_;
  int shift_;
};

}  // namespace swiftlet::text
