#include "swiftlet/text/token_trie.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet::text {

class TokenTrie::Builder {
 public:
  Builder(std::vector<Node>& nodes, const std::vector<Key>& keys) : nodes_(nodes), keys_(keys) {}

  void run() {
    grow(1024);
    take(0, kFree - 1);
    std::vector<Range> open{{0, 0, static_cast<std::uint32_t>(keys_.size()), 0}};
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      place_children(range, open);
    }
    nodes_.resize(taken_end_ + 256);  // a walk looks up to 255 nodes behind any base
  }

 private:
  // The keys [begin, end) begin with the same `depth` bytes, which lead to `node`.
  struct Range {
    std::uint32_t node, begin, end, depth;
  };
  struct Child {
    std::uint8_t byte;
    std::uint32_t begin, end;
  };

  void place_children(const Range& range, std::vector<Range>& open) {
    children_.clear();
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
      const std::string_view key = keys_[i].text;
      if (key.size() == range.depth) {
        if (range.depth > 0) nodes_[range.node].value = keys_[i].value;
        continue;
      }
      const auto byte = static_cast<std::uint8_t>(key[range.depth]);
      if (children_.empty() || children_.back().byte != byte) children_.push_back({byte, i, i});
      children_.back().end = i + 1;
    }
    // A leaf points to where no node has it as its parent.
    if (children_.empty()) return;
    const std::uint32_t base = find_base();
    nodes_[range.node].base = base;
    for (const Child& child : children_) {
      take(base + child.byte, range.node);
      open.push_back({base + child.byte, child.begin, child.end, range.depth + 1});
    }
  }

  // The lowest base that is found soon and under which all children fit; else one behind all that is taken.
  std::uint32_t find_base() {
    constexpr int kMostTries = 64;
    if (taken_end_ + 512 > nodes_.size()) grow(512);
    const std::uint8_t first = children_.front().byte;
    int tries = 0;
    for (std::uint32_t slot = first_free_; slot < taken_end_ && tries < kMostTries; slot = next_[slot]) {
      if (slot < first) continue;
      const std::uint32_t base = slot - first;
      if (std::all_of(children_.begin(), children_.end(),
                      [&](const Child& child) { return nodes_[base + child.byte].parent == kFree; }))
        return base;
      ++tries;
    }
    return taken_end_;
  }

  // The free nodes are a list in both directions, in order.
  void grow(std::size_t count) {
    const auto begin = static_cast<std::uint32_t>(nodes_.size());
    nodes_.resize(begin + std::max<std::size_t>(count, begin / 2));
    const auto end = static_cast<std::uint32_t>(nodes_.size());
    next_.resize(end);
    previous_.resize(end);
    for (std::uint32_t i = begin; i < end; ++i) {
      next_[i] = i + 1 < end ? i + 1 : kFree;
      previous_[i] = i > begin ? i - 1 : last_free_;
    }
    (last_free_ == kFree ? first_free_ : next_[last_free_]) = begin;
    last_free_ = end - 1;
  }
  void take(std::uint32_t slot, std::uint32_t parent) {
    nodes_[slot].parent = parent;
    taken_end_ = std::max(taken_end_, slot + 1);
    (previous_[slot] == kFree ? first_free_ : next_[previous_[slot]]) = next_[slot];
    (next_[slot] == kFree ? last_free_ : previous_[next_[slot]]) = previous_[slot];
  }

  std::vector<Node>& nodes_;
  const std::vector<Key>& keys_;
  std::vector<Child> children_;
  std::vector<std::uint32_t> next_, previous_;
  std::uint32_t first_free_ = kFree, last_free_ = kFree;
  std::uint32_t taken_end_ = 0;  // no node behind it is taken; there are always 256 more
};

TokenTrie::TokenTrie(FlatTable<Node> nodes, std::size_t values, const std::string& where)
    : nodes_(std::move(nodes)) {
  for (const Node& node : nodes_) {
    require(std::size_t{node.base} + 255 < nodes_.size(), where,
            "expected children among {} nodes, came nodes from {} on", nodes_.size(), node.base);
    require(node.value < 0 || static_cast<std::size_t>(node.value) < values, where,
            "expected the id of one of {} tokens, came {}", values, node.value);
  }
  require(!nodes_.empty(), where, "expected at least a root");
}

TokenTrie::TokenTrie(std::vector<Key> keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.text < b.text; });
  std::vector<Node> nodes;
  Builder(nodes, keys).run();
  nodes_ = FlatTable<Node>(std::move(nodes));
}

}  // namespace swiftlet::text
