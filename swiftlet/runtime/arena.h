// Memory plan: values whose lifetimes do not overlap share bytes of the arena.
#pragma once

#include <cstddef>
#include <vector>

namespace swiftlet {

struct ArenaRequest {
  std::size_t bytes = 0;
  int first = 0, last = 0;  // steps, both inclusive: written by `first`, last read by `last`
};

struct ArenaPlan {
  std::vector<std::size_t> offsets;  // by request, multiples of 64
  std::size_t bytes = 0;
};

// Largest first, each at the lowest offset that is free for its whole life (greedy by size; Pisarchyk & Lee
// 2020).
ArenaPlan plan_arena(const std::vector<ArenaRequest>& requests);

}  // namespace swiftlet
