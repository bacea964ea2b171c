#include "swiftlet/compress/quantize/round_to_nearest.h"

namespace swiftlet {

QuantizedWeight round_to_nearest(const Weight& weight, const Encoding& encoding, Arithmetic arithmetic,
                                 ThreadPool& pool) {
  Weight rounded = encode(weight, encoding, &pool);
  rounded.arithmetic = arithmetic;
  return with_error(weight, std::move(rounded), pool);
}

}  // namespace swiftlet
