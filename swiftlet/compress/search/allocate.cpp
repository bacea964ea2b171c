#include "swiftlet/compress/search/allocate.h"

#include <algorithm>
#include <numeric>

namespace swiftlet {
namespace {

double loss_per_byte(const SizeLoss& from, const SizeLoss& to) {
  return (to.loss - from.loss) / static_cast<double>(from.bytes - to.bytes);
}

// The lower convex hull of the choices, from the least loss on, by falling bytes.
std::vector<std::size_t> hull_of(const std::vector<SizeLoss>& choices) {
  std::vector<std::size_t> order(choices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return choices[a].loss != choices[b].loss ? choices[a].loss < choices[b].loss
                                              : choices[a].bytes < choices[b].bytes;
  });
  std::vector<std::size_t> hull;
  for (const std::size_t next : order) {
    if (!hull.empty() && choices[next].bytes >= choices[hull.back()].bytes) continue;
    while (hull.size() >= 2 && loss_per_byte(choices[hull[hull.size() - 2]], choices[hull.back()]) >=
                                   loss_per_byte(choices[hull.back()], choices[next]))
      hull.pop_back();
    hull.push_back(next);
  }
  return hull;
}

}  // namespace

std::vector<Allocation> allocation_front(std::span<const std::vector<SizeLoss>> weights) {
  struct Step {
    std::size_t weight, to;
    double price;  // loss for a byte
  };
  Allocation at;
  std::vector<Step> steps;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const std::vector<std::size_t> hull = hull_of(weights[w]);
    at.chosen.push_back(hull.front());
    at.total.bytes += weights[w][hull.front()].bytes;
    at.total.loss += weights[w][hull.front()].loss;
    for (std::size_t i = 1; i < hull.size(); ++i)
      steps.push_back({w, hull[i], loss_per_byte(weights[w][hull[i - 1]], weights[w][hull[i]])});
  }
  // Prices rise along a hull, so the steps of a weight stay in their order.
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.price < b.price; });
  std::vector<Allocation> front{at};
  for (const Step& step : steps) {
    const std::vector<SizeLoss>& costs = weights[step.weight];
    std::size_t& chosen = at.chosen[step.weight];
    at.total.bytes += costs[step.to].bytes - costs[chosen].bytes;
    at.total.loss += costs[step.to].loss - costs[chosen].loss;
    chosen = step.to;
    front.push_back(at);
  }
  return front;
}

std::optional<Allocation> first_within(std::span<const Allocation> front, std::int64_t bytes) {
  const auto found = std::find_if(front.begin(), front.end(), [&](const Allocation& allocation) {
    return allocation.total.bytes <= bytes;
  });
  return found != front.end() ? std::optional(*found) : std::nullopt;
}

}  // namespace swiftlet
