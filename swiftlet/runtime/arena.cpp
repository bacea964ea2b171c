#include "swiftlet/runtime/arena.h"

#include <algorithm>
#include <numeric>

namespace swiftlet {
namespace {

constexpr std::size_t kAlign = 64;

std::size_t rounded(std::size_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

ArenaPlan plan_arena(const std::vector<ArenaRequest>& requests) {
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a].bytes > requests[b].bytes; });
  ArenaPlan plan;
  plan.offsets.resize(requests.size());
  std::vector<std::size_t> placed;  // by ascending offset
  for (std::size_t current : order) {
    const ArenaRequest& request = requests[current];
    const std::size_t bytes = rounded(request.bytes);
    std::size_t offset = 0;
    for (std::size_t other : placed) {
      const bool together = requests[other].first <= request.last && request.first <= requests[other].last;
      if (!together) continue;
      if (offset + bytes <= plan.offsets[other]) break;  // the gap before it is wide enough
      offset = std::max(offset, plan.offsets[other] + rounded(requests[other].bytes));
    }
    plan.offsets[current] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    const auto place =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [&](std::size_t value, std::size_t other) { return value < plan.offsets[other]; });
    placed.insert(place, current);
  }
  return plan;
}

}  // namespace swiftlet
