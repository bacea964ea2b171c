#include "swiftlet/engine/prompt_lookup.h"

#include <algorithm>
#include <bit>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr int kSearched = 32;  // places of a bucket, from the last: enough for texts, a bound for "a a a a"

}  // namespace

void PromptLookup::reserve(std::size_t tokens) {
  const std::size_t buckets = std::bit_ceil(std::max<std::size_t>(tokens, 16));
  shift_ = 64 - std::countr_zero(buckets);
  tokens_.reserve(tokens);
  before_.reserve(tokens + 1);
  before_.assign(1, -1);  // before the first token
  last_.assign(buckets, -1);
}

// Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
std::size_t PromptLookup::bucket(std::size_t place) const {
  const auto id = [&](std::size_t i) { return std::uint64_t{static_cast<std::uint32_t>(tokens_[i])}; };
  const std::uint64_t pair = id(place - 1) << 32 | id(place - 2);
  return static_cast<std::size_t>(pair * 0x9e3779b97f4a7c15u >> shift_);
}

void PromptLookup::add(std::span<const std::int32_t> tokens) {
  SWIFTLET_ASSERT(tokens_.size() + tokens.size() <= tokens_.capacity());
  for (const std::int32_t token : tokens) {
    tokens_.push_back(token);
    const std::size_t place = tokens_.size();
    std::int32_t before = -1;
    if (place >= kLeast) {
      std::int32_t& last = last_[bucket(place)];
      before = last;
      last = static_cast<std::int32_t>(place);
    }
    before_.push_back(before);
  }
}

PromptLookup::Match PromptLookup::find() const {
  Match best;
  const std::size_t end = tokens_.size();
  std::int32_t place = before_.empty() ? -1 : before_[end];
  for (int i = 0; i < kSearched && place >= 0 && best.length < kMost; ++i) {
    const auto here = static_cast<std::size_t>(place);
    std::size_t length = 0;
    while (length < std::min(here, kMost) && tokens_[here - 1 - length] == tokens_[end - 1 - length])
      ++length;
    if (length >= kLeast && length > best.length) best = {here, length};  // other pairs share the bucket
    place = before_[here];
  }
  return best;
}

void PromptLookup::continuation(const Match& match, std::size_t count,
                                std::vector<std::int32_t>& drafts) const {
  const std::size_t period = tokens_.size() - match.next;
  for (std::size_t i = 0; i < count; ++i) drafts.push_back(tokens_[match.next + i % period]);
}

}  // namespace swiftlet
