// What every method of rounding gives.
#pragma once

#include <string>

#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

struct QuantizedWeight {
  Weight weight;
  double relative_error = 0;  // |W' - W| / |W|, Frobenius norms; 0 when W is all zeros
  std::string note;           // what else was done to it
};

// `after` is `before` in another encoding. On all threads of the pool; the result does not depend on how many
// there are.
QuantizedWeight with_error(const Weight& before, Weight after, ThreadPool& pool);

}  // namespace swiftlet
