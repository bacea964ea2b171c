// Mask: the elements of a matrix that become zero, and how they are chosen by their scores.
#pragma once

#include <cstdint>
#include <vector>

#include "swiftlet/compress/dense.h"
#include "swiftlet/compress/prune/pattern.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

struct Mask {
  std::int64_t n = 0, k = 0;
  std::vector<std::uint8_t> zero;  // [n, k]: 1 where an element becomes zero

  Mask(std::int64_t rows, std::int64_t columns)
      : n(rows), k(columns), zero(static_cast<std::size_t>(rows * columns)) {}
  std::uint8_t* row(std::int64_t r) { return zero.data() + r * k; }
  bool at(std::int64_t r, std::int64_t c) const { return zero[static_cast<std::size_t>(r * k + c)] != 0; }
};

// What every method of pruning gives.
struct PrunedWeight {
  Weight weight;  // in f32
  Mask zeros;
};

// The elements, or blocks of them, among which those of least score are looked for. Groups of N:M are always
// alone with themselves, thresholds know no others.
enum class Rivals : std::uint8_t {
  kMatrix,
  kRow,  // of elements, or of blocks
};

// Marks what the pattern takes away of a part of a matrix: scores [rows, columns], whole groups and blocks,
// the mask's rows from 0 and its columns from `first_column` on. The score of a block is the sum of its
// elements'. Of S rivals floor(S * ratio) go, of equal ones those of lower row and column first. On all
// threads of the pool; the result does not depend on how many there are. REQUIRES: no score is NaN.
void mark_least(const PrunePattern& pattern, const ConstMatrix& scores, Rivals rivals, Mask& mask,
                std::int64_t first_column, ThreadPool& pool);

// Marks the `count` least of a few scores; of equal ones the first.
void mark_least(const float* scores, std::int64_t size, std::int64_t count, std::uint8_t* marks);

// The matrix in f32 with zeros where the mask has them. On all threads of the pool.
Weight with_zeros(const Weight& weight, const Mask& mask, ThreadPool& pool);

}  // namespace swiftlet
