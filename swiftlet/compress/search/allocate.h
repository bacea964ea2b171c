// Allocation: one choice for each weight, so that together they lose least within a number of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace swiftlet {

// What a weight may become: bytes, and what the model loses by it. Losses of several weights add up.
struct SizeLoss {
  std::int64_t bytes = 0;
  double loss = 0;
};

struct Allocation {
  std::vector<std::size_t> chosen;  // of each weight's choices
  SizeLoss total;
};

// The front: allocations of falling bytes and rising loss, each the best there is for its bytes. It starts
// from the least loss, and every next one takes the step of one weight along the lower convex hull of its
// choices that loses least for a byte: what a Lagrange multiplier between loss and bytes would choose
// (Shoham and Gersho 1988). Every weight has at least one choice.
std::vector<Allocation> allocation_front(std::span<const std::vector<SizeLoss>> weights);

// The first of a front within `bytes`.
std::optional<Allocation> first_within(std::span<const Allocation> front, std::int64_t bytes);

}  // namespace swiftlet
