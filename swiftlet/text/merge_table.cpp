#include "swiftlet/text/merge_table.h"

#include <algorithm>
#include <bit>

namespace swiftlet::text {

MergeTable::MergeTable(std::size_t merges) {
  slots_.resize(std::bit_ceil(std::max<std::size_t>(merges + merges / 2, 16)));
  take_size();
}

MergeTable::MergeTable(FlatTable<Slot> slots, const Vocabulary& vocabulary, const std::string& where)
    : slots_(std::move(slots)) {
  require(slots_.size() > 1 && std::has_single_bit(slots_.size()), where,
          "expected a power of two of slots, came {}", slots_.size());
  take_size();
  std::size_t used = 0;
  for (const Slot& slot : slots_) {
    if (slot.key == kFree) continue;
    require(vocabulary.has(slot.merge.id), where, "expected a merge that makes a token, came {}",
            slot.merge.id);
    ++used;
  }
  require(used < slots_.size(), where, "expected a free slot, all {} are taken", used);
}

void MergeTable::take_size() {
  mask_ = slots_.size() - 1;
  shift_ = 64 - std::countr_zero(slots_.size());
}

void MergeTable::set(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t i = slot_of(key);
  while (slots_[i].key != key && slots_[i].key != kFree) i = (i + 1) & mask_;
  slots_.set(i, {key, merge});
}

}  // namespace swiftlet::text
