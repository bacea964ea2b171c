#include "swiftlet/compress/quantize/round_to_nearest.h"

namespace swiftlet {

QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic,
                                 ThreadPool& pool) {
  Weight rounded = encode(weight, encoding, &pool);
  rounded.arithmetic = arithmetic;
  return with_error(weight, std::move(rounded), pool);
}

QuantizedWeight round_alone(Dense& dense, const Weight& weight, const Encoding& encoding,
                            Arithmetic arithmetic, bool clip) {
  if (!clip || !has_group_scales(encoding))
    return round_to_nearest(weight, encoding, arithmetic, dense.pool());
  Weight rounded =
      round_with_scales(weight, encoding, clipped_scales(dense, weight, encoding, nullptr), dense.pool());
  rounded.arithmetic = arithmetic;
  return with_error(weight, std::move(rounded), dense.pool());
}

}  // namespace swiftlet
