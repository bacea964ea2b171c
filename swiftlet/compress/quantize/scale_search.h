// Factors for the channels of an input, so that rounding what is multiplied with it loses less:
// x W' = (x / s) (W s)'.
#pragma once

#include <span>
#include <vector>

#include "swiftlet/compress/calibrate/input_sample.h"
#include "swiftlet/compress/dense.h"
#include "swiftlet/compress/quantize/method.h"
#include "swiftlet/encoding/weight.h"

namespace swiftlet {

// A matrix [N, K] that reads the input, and what it will be.
struct ScaledReader {
  Weight weight;
  Encoding encoding;  // int8 or int4
  Arithmetic arithmetic = Arithmetic::kF32;
};

struct ChannelScales {
  double exponent = 0;   // that was best; 0: nothing is scaled
  std::vector<float> s;  // [K]
};

// Tries exponents a of 0.05, 0.1, .. 1, and s all ones, with (each scaled to a middle of 1)
//   AWQ (Lin et al. 2023)             s = mean|x|^a
//   SmoothQuant (Xiao et al. 2022)    s = max|x|^a / max|W|^(1 - a)
// and takes the one under which the outputs of all readers, their weights rounded to nearest, and the input
// rounded to int8 by rows where a reader's arithmetic does, differ least in squares on the sample.
// row: which channels share a factor, as ScaleSite tells. On all threads of the pool; the result does not
// depend on how many there are.
ChannelScales search_channel_scales(Dense& dense, ChannelScaling scaling, const InputSample& sample,
                                    std::span<const ScaledReader> readers,
                                    const std::vector<std::int64_t>& row);

}  // namespace swiftlet
