// Which two neighbouring tokens byte-pair encoding may join, how urgently, and into what.
//
// An open-addressing table over pairs of ids. Filled once, or mapped as it lies in a file
// (tokenizer_tables.h), then read by any number of threads. Pages of zeros hold no merge.
#pragma once

#include <cstdint>

#include "swiftlet/text/vocabulary.h"

namespace swiftlet::text {

struct Merge {
  std::uint32_t rank;  // the lowest is joined first; among equals the leftmost
  std::int32_t id;     // of the joined token
};

class MergeTable {
 public:
  struct Slot {
    std::uint64_t key = 0;  // 0: free
    Merge merge{};
  };

  MergeTable() : MergeTable(0) {}
  explicit MergeTable(std::size_t merges);
  // Of a table that was made by this class for `vocabulary`. Throws kInvalid naming `where` unless every
  // lookup ends and every merge makes a token.
  MergeTable(FlatTable<Slot> slots, const Vocabulary& vocabulary, const std::string& where);
  // REQUIRES: no more merges than announced. A pair that comes again replaces its earlier merge.
  void set(std::int32_t left, std::int32_t right, Merge merge);
  // f(left, right, merge) for every pair, in no order.
  template <class F>
  void each(F&& f) const {
    for (const Slot& slot : slots_)
      if (slot.key != kFree)
        f(static_cast<std::int32_t>((slot.key - 1) >> 32),
          static_cast<std::int32_t>((slot.key - 1) & UINT32_MAX), slot.merge);
  }
  const FlatTable<Slot>& slots() const { return slots_; }
  // Null when the two do not join.
  const Merge* find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = slot_of(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i].merge;
      if (slots_[i].key == kFree) return nullptr;
    }
  }

 private:
  static constexpr std::uint64_t kFree = 0;
  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right)) + 1;
  }
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> shift_);
  }

  void take_size();

  FlatTable<Slot> slots_;  // a power of two, at most two thirds full
  std::size_t mask_ = 0;
  int shift_ = 0;
};

}  // namespace swiftlet::text
