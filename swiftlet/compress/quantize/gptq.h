// GPTQ: rounding a matrix column by column so that what each column loses is made up for by those that
// follow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swiftlet/compress/calibrate/second_moments.h"
#include "swiftlet/compress/quantize/group_scales.h"

namespace swiftlet {

struct GptqOptions {
  double damping = 0.01;         // times the mean of H's diagonal, added to the diagonal
  bool activation_order = true;  // columns of large inputs first: more columns are left to make up for them
};

// How errors travel between the columns of all matrices that read one input, whose second moments are H.
//
// GPTQ (Frantar et al. 2022) rounds column after column and moves the others along the inverse of H. Chee et
// al. (QuIP, 2023, theorem 6) show that this is linear feedback by the factor of H itself: with columns in
// the order of rounding, and H = (U + I) D (U + I)ᵀ, U strictly upper,
//
//     w'_c = w_c + sum over b before c of (w_b - q_b) U[b, c]        q_c = the value nearest to w'_c
//
// so nothing is inverted. Here columns lie in the reverse order of rounding: U + I is then the lower factor
// of Cholesky with its columns scaled to a diagonal of ones.
class Gptq {
 public:
  // Raises the damping tenfold where H is not positive definite with it. Throws kInvalid, naming `where`,
  // when that does not help.
  Gptq(Dense& dense, const SecondMoments& moments, const GptqOptions& options, const std::string& where);

  // A float matrix [N, K], whose values are finite, in an encoding of int8 or int4. The scales are chosen
  // before anything moves (static groups), so groups stay in the order of the columns whatever the order of
  // rounding. On all threads of the pool; the result does not depend on how many there are.
  Weight round(Dense& dense, const Weight& weight, const Encoding& encoding, const GroupScales& scales) const;

  double damping() const { return damping_; }  // that was needed

 private:
  std::int64_t k_;
  double damping_;
  std::vector<std::int64_t> columns_;  // by place: the last place is rounded first
  std::vector<float> factor_;          // [K, K] by places, the lower triangle
};

}  // namespace swiftlet
