#include "swiftlet/text/word_cache.h"

#include <atomic>
#include <memory>

namespace swiftlet::text {
namespace {

constexpr std::size_t kEntries = std::size_t{1} << 14;  // 1 MiB for each thread

std::uint64_t load(const char* from, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, bytes);
  return value;
}

std::uint64_t mixed(std::uint64_t value) {
  value *= 0x9E3779B97F4A7C15u;
  return value ^ value >> 32;
}

// Reads whole words of 8 bytes that may overlap, so that no length takes a loop over bytes.
std::uint64_t hash_of(std::string_view word) {
  const char* const begin = word.data();
  const std::size_t size = word.size();
  if (size > 16)
    return mixed(mixed(mixed(load(begin, 8)) + load(begin + 8, 8)) + load(begin + size - 8, 8) + size);
  if (size >= 8) return mixed(mixed(load(begin, 8)) + load(begin + size - 8, 8) + size);
  if (size >= 4) return mixed((load(begin, 4) << 32 | load(begin + size - 4, 4)) + size);
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<std::uint8_t>(begin[i])}; };
  return mixed((byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1)) + (size << 32));
}

}  // namespace

WordCacheKey::WordCacheKey() {
  static std::atomic<std::uint64_t> next{1};
  value_ = next.fetch_add(1, std::memory_order_relaxed);
}

WordCache::Entry& WordCache::place(std::uint64_t model, std::string_view word) {
  thread_local std::unique_ptr<Entry[]> entries;
  if (!entries) entries = std::make_unique<Entry[]>(kEntries);
  return entries[static_cast<std::size_t>(mixed(hash_of(word) + model)) % kEntries];
}

void WordCache::Entry::put(std::uint64_t model, std::string_view text, const ModelToken* found,
                           std::size_t count) {
  if (count > kMostTokens) return;
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < count; begin = found[i++].end)
    if (found[i].begin != begin) return;
  if (begin != text.size()) return;
  key = model;
  std::memcpy(word.data(), text.data(), text.size());
  bytes = static_cast<std::uint8_t>(text.size());
  tokens = static_cast<std::uint8_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    ends[i] = static_cast<std::uint8_t>(found[i].end);
    ids[i] = found[i].id;
  }
}

}  // namespace swiftlet::text
