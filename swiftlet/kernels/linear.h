// Matrix products y = activation(x W^T + bias) over packed weights: what the op `linear` runs.
//
//   M tokens (rows of x)   N output channels   K input channels
//
// One call serves all linears that read the same x (merged linears): x is quantized or rounded once, and one
// parallel region covers all outputs. Each output element is one chain of additions over K in ascending order
// whatever M and the number of threads, so results do not depend on the batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet::kernels {

struct KernelTable;

enum class Activation : std::uint8_t { kNone, kRelu, kGelu, kGeluTanh, kSilu, kTanh, kSigmoid };

// What a kernel reads of a packed Weight.
struct PanelView {
  const std::byte* codes = nullptr;
  const std::byte* scales = nullptr;
  const std::uint8_t* zero_points = nullptr;  // null when symmetric
  Encoding encoding;
  PanelGeometry geometry;
};
// REQUIRES: weight.layout == Layout::kPanels.
PanelView panel_view(const Weight& weight);

struct LinearOutput {
  PanelView weight;             // [N, K]
  const float* bias = nullptr;  // [N] or null
  Activation activation = Activation::kNone;
  float* y = nullptr;  // [M, ldy]
  std::int64_t ldy = 0;
  // Or null: y = activation(x W^T + bias) * (x V^T + its bias), as a gate is multiplied by what it gates. V
  // is of the same sizes and encoding; activation, y and factor of the factor itself are not read.
  const LinearOutput* factor = nullptr;
};

// Bytes of scratch that linear() needs for up to `m` rows over these weights (their y and bias are not read)
// on so many threads.
std::size_t linear_workspace(const KernelTable& table, int threads, Arithmetic arithmetic,
                             std::span<const LinearOutput> outputs, std::int64_t m);

// Whether `table` has a kernel for the pair; where not, the compiler falls back to a slower pair and warns.
bool linear_supported(const KernelTable& table, Arithmetic arithmetic, const Encoding& encoding);

// One of several products that run together: rows of its own over weights of its own. All outputs have the
// same K.
struct LinearGroup {
  Arithmetic arithmetic = Arithmetic::kF32;
  const float* x = nullptr;  // [M, ldx]
  std::int64_t ldx = 0;
  std::int64_t m = 0;
  std::span<const LinearOutput> outputs;
};

// All groups in two parallel regions (preparing rows, multiplying), so that many small products keep every
// thread busy. Each gives the bits that linear() gives for it alone.
void linear_groups(const KernelTable& table, ThreadPool& pool, std::span<const LinearGroup> groups,
                   std::byte* workspace) noexcept;
// Bytes of scratch for up to `groups` groups of up to `rows` rows in all, each with weights like one of
// `kinds`, whose x, y and m are not read.
std::size_t linear_groups_workspace(const KernelTable& table, int threads, std::span<const LinearGroup> kinds,
                                    std::int64_t rows, std::int64_t groups);

// x [M, ldx] f32. The workspace is 64-byte aligned. All outputs have the same K.
void linear(const KernelTable& table, ThreadPool& pool, Arithmetic arithmetic, const float* x,
            std::int64_t ldx, std::int64_t m, std::span<const LinearOutput> outputs,
            std::byte* workspace) noexcept;

}  // namespace swiftlet::kernels
