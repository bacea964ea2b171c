// ErrorFeedback: setting the columns of a matrix one after another so that what each column loses is made up
// for by those that follow. Rounding (quantize/gptq.h) and pruning (prune/sparse_gpt.h) share it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "swiftlet/compress/calibrate/second_moments.h"
#include "swiftlet/encoding/panel_work.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

struct FeedbackOptions {
  double damping = 0.01;         // times the mean of H's diagonal, added to the diagonal
  bool activation_order = true;  // columns of large inputs first; else in their own order
};

// A block of columns of a matrix while they are being set. Columns lie by places, see ErrorFeedback.
struct MovedBlock {
  std::int64_t begin, end;       // places
  std::int64_t rows, k;          // of the matrix
  const float *weights, *moves;  // [rows, k]; [rows, end - begin] with `ld` between rows
  std::int64_t ld;

  // What has become of an element by those that are set. The next to be set takes it as it is; for those
  // behind it see ErrorFeedback::look_ahead().
  float at(std::int64_t row, std::int64_t place) const {
    return weights[row * k + place] + moves[row * ld + place - begin];
  }
};

// How errors travel between the columns of all matrices that read one input, whose second moments are H.
//
// Frantar and Alistarh (GPTQ, 2022; SparseGPT, 2023) set column after column and move the others along the
// inverse of H. Chee et al. (QuIP, 2023, theorem 6) show that this is linear feedback by the factor of H
// itself: with columns in the order in which they are set, and H = (U + I) D (U + I)ᵀ, U strictly upper,
//
//     w'_c = w_c + sum over b before c of (w_b - q_b) U[b, c]        q_c = the value chosen for w'_c
//
// so nothing is inverted. An error e of column c that the columns behind it make up for costs e² D_c of the
// output: D_c = 1 / [H⁻¹]_cc, H being that of column c and those behind it. Here columns lie in the reverse
// of that order: U + I is then the lower factor of Cholesky with its columns scaled to a diagonal of ones.
class ErrorFeedback {
 public:
  static constexpr std::int64_t kBlock = 128;  // columns between two products

  // Raises the damping tenfold where H is not positive definite with it. Throws kInvalid, naming `where`,
  // when that does not help.
  ErrorFeedback(Dense& dense, const SecondMoments& moments, const FeedbackOptions& options,
                const std::string& where);

  // Sets the columns of a matrix [N, K], in blocks of so many (the last may be short). Before a block
  // begin(const MovedBlock&) is called once. Then choose(row, place, const MovedBlock&) gives the value of
  // each element: of a row from the last place to the first, rows on all threads of the pool, those of a
  // panel on one. What is chosen must not depend on other rows; then nothing depends on the threads.
  template <class Begin, class Choose>
  void run(Dense& dense, const Weight& weight, std::int64_t block, Begin begin, Choose choose) const;

  // What elements of a row of a block become, from a place on to `count` before it, if each of them is left
  // as it has become when its turn comes: the weights that lose least of the output under what is set. Of
  // these, and not of at(), the paper's costs speak.
  void look_ahead(const MovedBlock& moved, std::int64_t row, std::int64_t place, std::int64_t count,
                  float* values) const;

  std::int64_t k() const { return k_; }
  double damping() const { return damping_; }  // that was needed
  std::int64_t column(std::int64_t place) const { return columns_[static_cast<std::size_t>(place)]; }
  bool in_own_order() const { return in_own_order_; }  // column(place) is k - 1 - place
  float pivot(std::int64_t place) const { return pivots_[static_cast<std::size_t>(place)]; }  // D

 private:
  std::vector<float> by_places(const Weight& weight, ThreadPool& pool) const;
  // moves [N, width, ld `block`] = what the columns from place `end` on, which are set, give to `width`
  // before.
  void move_by_set(Dense& dense, const std::vector<float>& lost, const MovedBlock& block,
                   std::vector<float>& moves) const;

  std::int64_t k_;
  double damping_;
  bool in_own_order_;
  std::vector<std::int64_t> columns_;  // by place: the last place is set first
  std::vector<float> factor_;          // U + I: [K, K] by places, the lower triangle
  std::vector<float> pivots_;          // D, by places
};

template <class Begin, class Choose>
void ErrorFeedback::run(Dense& dense, const Weight& weight, std::int64_t block, Begin begin,
                        Choose choose) const {
  const std::int64_t n = weight.shape[0];
  const std::vector<float> original = by_places(weight, dense.pool());
  std::vector<float> lost(original.size());  // w - q, by places
  std::vector<float> moves(static_cast<std::size_t>(n * block));
  for (std::int64_t end = k_; end > 0; end -= block) {
    const MovedBlock moved{
        std::max<std::int64_t>(0, end - block), end, n, k_, original.data(), moves.data(), block};
    move_by_set(dense, lost, moved, moves);
    begin(moved);
    for_rows_of_panels(n, &dense.pool(), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        float* const add = moves.data() + r * block;
        for (std::int64_t place = end; place-- > moved.begin;) {
          const float value = choose(r, place, moved);
          const auto at = static_cast<std::size_t>(r * k_ + place);
          const float error = lost[at] = original[at] - value;
          const float* const share = factor_.data() + place * k_ + moved.begin;
          for (std::int64_t c = 0; c < place - moved.begin; ++c) add[c] += error * share[c];
        }
      }
    });
  }
}

}  // namespace swiftlet
