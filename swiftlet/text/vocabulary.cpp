#include "swiftlet/text/vocabulary.h"

#include <algorithm>
#include <bit>

namespace swiftlet::text {

void Vocabulary::reserve(std::size_t tokens, std::size_t bytes) {
  text_.reserve(bytes);
  entries_.reserve(tokens);
  grow(std::bit_ceil(std::max<std::size_t>(tokens * 2, 16)));
}

void Vocabulary::grow(std::size_t slots) {
  if (slots <= slots_.size()) return;
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.id != kNone) place(slot.hash, slot.id);
}

void Vocabulary::place(std::uint32_t hash, std::int32_t id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].id != kNone) i = (i + 1) & mask;
  slots_[i] = {hash, id};
}

void Vocabulary::append(std::string_view token, std::int32_t id) {
  if (at(id) >= entries_.size()) entries_.resize(at(id) + 1);
  entries_[at(id)] = {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(token.size())};
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
  slots_[slot].id = id;
}

// Of the token, or of the hole where it would be. REQUIRES: slots_ is not empty.
std::size_t Vocabulary::slot_of(std::uint32_t hash, std::string_view head, std::string_view tail) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  for (; slots_[i].id != kNone; i = (i + 1) & mask) {
    if (slots_[i].hash != hash) continue;
    const std::string_view found = token(slots_[i].id);
    if (found.size() == head.size() + tail.size() && found.starts_with(head) && found.ends_with(tail)) break;
  }
  return i;
}

std::int32_t Vocabulary::find(std::uint32_t hash, std::string_view head, std::string_view tail) const {
  return slots_.empty() ? kNone : slots_[slot_of(hash, head, tail)].id;
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
