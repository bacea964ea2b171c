#include "swiftlet/text/vocabulary.h"

#include <algorithm>
#include <bit>

#include "swiftlet/text/unicode.h"

namespace swiftlet::text {

Vocabulary::Vocabulary(FlatTable<char> text, FlatTable<Entry> entries, FlatTable<Slot> slots,
                       const std::string& where)
    : text_(std::move(text)), entries_(std::move(entries)), slots_(std::move(slots)) {
  const std::string_view all(text_.data(), text_.size());
  require(simdjson::validate_utf8(all), where, "expected the tokens in UTF-8");
  require(entries_.size() < INT32_MAX, where, "has {} tokens, which is too many", entries_.size());
  const auto between_characters = [&](std::size_t place) {
    return place == all.size() || (place < all.size() && !is_continuation_byte(all[place]));
  };
  for (const Entry& entry : entries_) {
    if (entry.length == kHole) continue;
    const std::size_t end = std::size_t{entry.offset} + entry.length;
    require(between_characters(entry.offset) && between_characters(end), where,
            "expected a token inside {} bytes of text, came bytes {} to {}", all.size(), entry.offset, end);
    longest_ = std::max<std::size_t>(longest_, entry.length);
    ++count_;
  }
  require(slots_.empty() || std::has_single_bit(slots_.size()), where,
          "expected a power of two of slots, came {}", slots_.size());
  std::size_t used = 0;
  for (const Slot& slot : slots_) {
    if (slot.id_and_one == 0) continue;
    require(slot.id_and_one > 0 && has(slot.id_and_one - 1), where, "expected the id of a token, came {}",
            std::int64_t{slot.id_and_one} - 1);
    ++used;
  }
  require(used * 2 <= slots_.size(), where, "expected at most every other slot taken, came {} of {}", used,
          slots_.size());
}

void Vocabulary::reserve(std::size_t tokens, std::size_t bytes) {
  text_.reserve(bytes);
  entries_.reserve(tokens);
  grow(std::bit_ceil(std::max<std::size_t>(tokens * 2, 16)));
}

void Vocabulary::grow(std::size_t slots) {
  if (slots <= slots_.size()) return;
  FlatTable<Slot> old(std::vector<Slot>{std::vector<Slot>(slots)});
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.id_and_one != 0) place(slot.hash, slot.id_and_one - 1);
}

void Vocabulary::place(std::uint32_t hash, std::int32_t id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].id_and_one != 0) i = (i + 1) & mask;
  slots_.set(i, {hash, id + 1});
}

void Vocabulary::append(std::string_view token, std::int32_t id) {
  if (at(id) >= entries_.size()) entries_.resize(at(id) + 1);
  entries_.set(at(id), {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(token.size())});
  text_.append(token);
  longest_ = std::max(longest_, token.size());
  ++count_;
}

bool Vocabulary::add(std::string_view token, std::int32_t id) {
  TokenHash hash;
  hash.add(token);
  if (has(id) || find(hash.value(), token, {}) != kNone) return false;
  if ((count_ + 1) * 2 > slots_.size()) grow(std::max<std::size_t>(slots_.size() * 2, 16));
  append(token, id);
  place(hash.value(), id);
  return true;
}

void Vocabulary::add_or_replace(std::string_view token, std::int32_t id) {
  if (add(token, id)) return;
  TokenHash hash;
  hash.add(token);
  const std::size_t slot = slot_of(hash.value(), token, {});
  append(token, id);
  slots_.set(slot, {hash.value(), id + 1});
}

// Of the token, or of the hole where it would be. REQUIRES: slots_ is not empty.
std::size_t Vocabulary::slot_of(std::uint32_t hash, std::string_view head, std::string_view tail) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  for (; slots_[i].id_and_one != 0; i = (i + 1) & mask) {
    if (slots_[i].hash != hash) continue;
    const std::string_view found = token(slots_[i].id_and_one - 1);
    if (found.size() == head.size() + tail.size() && found.starts_with(head) && found.ends_with(tail)) break;
  }
  return i;
}

std::int32_t Vocabulary::find(std::uint32_t hash, std::string_view head, std::string_view tail) const {
  return slots_.empty() ? kNone : slots_[slot_of(hash, head, tail)].id_and_one - 1;
}

Vocabulary read_vocabulary(const JsonView& json) {
  const simdjson::dom::object object = json.object();
  std::size_t count = 0, bytes = 0;
  for (const auto& [key, value] : object) {
    ++count;
    bytes += key.size();
  }
  Vocabulary vocabulary;
  vocabulary.reserve(count, bytes);
  const std::int64_t highest = Vocabulary::highest_id(count);
  for (const auto& [key, value] : object) {
    std::int64_t id = 0;
    if (value.get(id) || id < 0 || id > highest) id = json.member(key, value).integer(0, highest);
    if (vocabulary.add(key, static_cast<std::int32_t>(id))) continue;
    if (vocabulary.find(key) != Vocabulary::kNone)
      json.member(key, value).invalid("expected every token once, this one comes twice");
    json.member(key, value)
        .invalid("expected an id of its own, came {}, which is {}", id,
                 shown(vocabulary.token(static_cast<std::int32_t>(id))));
  }
  return vocabulary;
}

}  // namespace swiftlet::text
