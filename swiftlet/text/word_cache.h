// What a model made of the short words that this thread met lately: texts repeat few words often.
//
// One table of fixed size for each thread, shared by all models; a word that falls on the place of another
// takes it. The table belongs to its thread and goes with it. The keys of models are never used twice.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "swiftlet/text/model.h"

namespace swiftlet::text {

// Tells the words of one model from those of all others.
class WordCacheKey {
 public:
  WordCacheKey();
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_;
};

class WordCache {
 public:
  static constexpr std::size_t kMostBytes = 22, kMostTokens = 6;

  // One cache line: a word and its tokens. The ends of tokens are places in the word; each begins where the
  // one before it ends.
  struct alignas(64) Entry {
    std::uint64_t key = 0;
    std::array<char, kMostBytes> word;
    std::uint8_t bytes;
    std::uint8_t tokens;
    std::array<std::uint8_t, kMostTokens> ends;
    std::array<std::int32_t, kMostTokens> ids;

    bool holds(std::uint64_t model, std::string_view text) const {
      return key == model && bytes == text.size() && std::memcmp(word.data(), text.data(), bytes) == 0;
    }
    void append_to(std::vector<ModelToken>& out, std::uint32_t offset) const {
      std::uint32_t begin = offset;
      for (std::size_t i = 0; i < tokens; ++i) {
        const std::uint32_t end = offset + ends[i];
        out.push_back({ids[i], begin, end});
        begin = end;
      }
    }
    // Nothing where the tokens are too many, or leave gaps.
    void put(std::uint64_t model, std::string_view text, const ModelToken* found, std::size_t count);
  };

  // The place of a word of 1 to kMostBytes bytes in the table of the calling thread.
  static Entry& place(std::uint64_t model, std::string_view word);
};

}  // namespace swiftlet::text
