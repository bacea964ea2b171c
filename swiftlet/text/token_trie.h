// All tokens that a text continues with at a place, shortest first, in one walk over its bytes.
//
// A trie in two arrays (Aoe, "An efficient digital search algorithm by using a double-array structure",
// 1989): the child of node s by byte b is base[s] + b, and it is one when parent[base[s] + b] == s. Filled
// once, or mapped as it lies in a file (tokenizer_tables.h), then read by any number of threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/flat_table.h"

namespace swiftlet::text {

class TokenTrie {
  static constexpr std::uint32_t kFree = UINT32_MAX;

 public:
  struct Key {
    std::string_view text;
    std::int32_t value;  // >= 0
  };
  struct Node {
    std::uint32_t base = 0;        // always so low that base + 255 is a node
    std::uint32_t parent = kFree;  // of the root none
    std::int32_t value = -1;
  };

  TokenTrie() = default;
  // Of nodes that were made by this class. Throws kInvalid naming `where` unless every walk stays among them
  // and every value is below `values`.
  TokenTrie(FlatTable<Node> nodes, std::size_t values, const std::string& where);
  // Of equal texts the last one counts; empty ones are never found.
  explicit TokenTrie(std::vector<Key> keys);

  // found(end, value) for every key that text[at, end) is.
  template <class F>
  void each_prefix(std::string_view text, std::size_t at, F&& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      const std::uint32_t child = nodes_[node].base + static_cast<std::uint8_t>(text[i]);
      if (nodes_[child].parent != node) return;
      node = child;
      if (nodes_[node].value >= 0) found(i + 1, nodes_[node].value);
    }
  }

  const FlatTable<Node>& nodes() const { return nodes_; }

 private:
  class Builder;

  FlatTable<Node> nodes_{std::vector<Node>(257)};
};

}  // namespace swiftlet::text
