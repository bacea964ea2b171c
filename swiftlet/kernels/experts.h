// A mixture of experts (Shazeer et al., 2017): every row of x goes through the few feed-forward networks that
// its gates name,
//
//   y[t] = sum over experts e with gates[t, e] != 0, in the order of e, of
//          gates[t, e] * (down_e (activation(gate_e x[t]) * up_e x[t]))
//
//   T rows   E experts   H width of x and y   I inner width
//
// Rows are sorted by expert, and each expert's products run once over the rows that chose it, all experts in
// one parallel region, so a weight is read once however many rows want it, and one that nobody wants never.
// What a row becomes does not depend on the rows beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "swiftlet/kernels/linear.h"

namespace swiftlet::kernels {

inline constexpr std::int64_t kMaxChosen = 64;  // experts of a row
inline constexpr std::int64_t kMaxExperts = 4096;

// How scores of experts become gates.
struct Routing {
  std::int64_t chosen = 1;  // the greatest scores of a row, the first where they are equal
  bool over_all = false;    // the softmax runs over all scores of the row, else over the chosen ones
  double factor = 1;        // of every gate
};

// scores [T, E] -> gates [T, E], zero for all but the chosen; the pointers may be equal.
void route(const Routing& routing, const float* scores, std::int64_t rows, std::int64_t experts,
           float* gates) noexcept;

struct ExpertMatrix {
  PanelView weight;
  const float* bias = nullptr;  // or null
  Arithmetic arithmetic = Arithmetic::kF32;
};

struct Expert {
  ExpertMatrix gate, up, down;  // [I, H], [I, H], [H, I]
};

struct ExpertGate {
  Activation activation = Activation::kSilu;
  // Where the limit is not 0: RowKernels::clamped_gate instead.
  float alpha = 0, limit = 0;
};

struct ExpertsArgs {
  const float* x = nullptr;      // [T, H]
  const float* gates = nullptr;  // [T, E]
  float* y = nullptr;            // [T, H], not x
  std::int64_t rows = 0, experts = 0, hidden = 0, width = 0;
  std::int64_t chosen = 0;  // gates of a row that are not zero, at most; further ones are left out
  ExpertGate gate;
  // The weights of an expert; asked for those that are chosen only.
  Expert (*expert)(const void* source, std::int64_t index) noexcept = nullptr;
  const void* source = nullptr;
};

// Bytes of scratch for up to `rows` rows over experts of these encodings (their pointers are not read), on so
// many threads.
std::size_t experts_workspace(const KernelTable& table, int threads, std::span<const Expert> experts,
                              std::int64_t rows, std::int64_t chosen);

// The workspace is 64-byte aligned.
void experts(const KernelTable& table, ThreadPool& pool, const ExpertsArgs& args,
             std::byte* workspace) noexcept;

}  // namespace swiftlet::kernels
