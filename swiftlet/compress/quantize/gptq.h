// GPTQ: rounding a matrix column by column so that what each column loses is made up for by those that
// follow.
#pragma once

#include <string>

#include "swiftlet/compress/error_feedback.h"
#include "swiftlet/compress/quantize/group_scales.h"

namespace swiftlet {

struct Mask;

struct GptqOptions {
  double damping = 0.01;         // times the mean of H's diagonal, added to the diagonal
  bool activation_order = true;  // columns of large inputs first: more columns are left to make up for them
};

// GPTQ (Frantar et al. 2022) for all matrices that read one input: error feedback in which each value is the
// one nearest to what its element has become.
class Gptq {
 public:
  // Raises the damping tenfold where H is not positive definite with it. Throws kInvalid, naming `where`,
  // when that does not help.
  Gptq(Dense& dense, const SecondMoments& moments, const GptqOptions& options, const std::string& where);

  // A float matrix [N, K], whose values are finite, in an encoding of int8 or int4. The scales are chosen
  // before anything moves (static groups), so groups stay in the order of the columns whatever the order of
  // rounding. What `zeros` marks of a pruned matrix stays zero, exactly. On all threads of the pool; the
  // result does not depend on how many there are.
  Weight round(Dense& dense, const Weight& weight, const Encoding& encoding, const GroupScales& scales,
               const Mask* zeros = nullptr) const;

  const ErrorFeedback& feedback() const { return feedback_; }
  double damping() const { return feedback_.damping(); }  // that was needed

 private:
  ErrorFeedback feedback_;
};

}  // namespace swiftlet
