// Rotary position embedding (Su et al. 2021) over the vectors of <isa>/vec.h, which the including file
// includes before this one. The sines and cosines of a row are computed once, in strips of kStrip pairs, for
// all heads.
#pragma once

#include "swiftlet/kernels/generic/sine_cosine.h"
#include "swiftlet/kernels/rows.h"

namespace swiftlet::kernels {
namespace {

constexpr int kStrip = 64;  // a multiple of kLanes

struct Rotations {
  float cosine[kStrip + kLanes], sine[kStrip + kLanes];
};

// The angle is an f32 product, as in the reference implementations.
inline void rotations_of(const RopeArgs& args, std::int32_t position, int first, int count, Rotations& out) {
  const Vec at = splat(static_cast<float>(position)), factor = splat(args.attention_factor);
  for (int i = 0; i < count; i += kLanes) {
    const float* frequencies = args.inverse_frequencies + first + i;
    const Vec f = count - i >= kLanes ? load(frequencies) : load_part(frequencies, count - i);
    const SineCosine angle = sine_cosine(mul(at, f));
    store(out.cosine + i, mul(angle.cosine, factor));
    store(out.sine + i, mul(angle.sine, factor));
  }
}

// Pairs (i, i + half): x and y point to the strip's first pair of a head.
inline void rotate_halves(const float* x, float* y, int half, int count, const Rotations& r) {
  for (int i = 0; i < count; i += kLanes) {
    const bool whole = count - i >= kLanes;
    const Vec c = load(r.cosine + i), s = load(r.sine + i);
    const Vec a = whole ? load(x + i) : load_part(x + i, count - i);
    const Vec b = whole ? load(x + half + i) : load_part(x + half + i, count - i);
    const Vec first = fnma(b, s, mul(a, c)), second = fma(a, s, mul(b, c));
    if (whole) {
      store(y + i, first);
      store(y + half + i, second);
    } else {
      store_part(y + i, count - i, first);
      store_part(y + half + i, count - i, second);
    }
  }
}

// Pairs (2 i, 2 i + 1): every lane takes its cosine and its neighbour's sine, negative in even lanes.
inline void rotate_neighbours(const float* x, float* y, int count, const Rotations& r) {
  const Mask even = has_bit(plus_one(to_int(iota())), 1);
  for (int i = 0; i < 2 * count; i += kLanes) {
    const int left = 2 * count - i;
    const Vec c = load_twice(r.cosine + i / 2), s = negate_where(even, load_twice(r.sine + i / 2));
    const Vec value = left >= kLanes ? load(x + i) : load_part(x + i, left);
    const Vec rotated = fma(swap_neighbours(value), s, mul(value, c));
    if (left >= kLanes)
      store(y + i, rotated);
    else
      store_part(y + i, left, rotated);
  }
}

inline void copy_rest(const RopeArgs& args, const float* x, float* y) {
  if (x == y || args.rotary_dim == args.head_dim) return;
  for (int head = 0; head < args.heads; ++head) {
    const std::int64_t at = std::int64_t{head} * args.head_dim + args.rotary_dim;
    __builtin_memcpy(y + at, x + at,
                     static_cast<std::size_t>(args.head_dim - args.rotary_dim) * sizeof(float));
  }
}

inline void rope_row(const RopeArgs& args, std::int64_t row) {
  const float* x = args.x + row * args.ldx;
  float* y = args.y + row * args.ldy;
  const int half = args.rotary_dim / 2;
  Rotations rotations;
  for (int first = 0; first < half; first += kStrip) {
    const int count = half - first < kStrip ? half - first : kStrip;
    rotations_of(args, args.positions[row], first, count, rotations);
    for (int head = 0; head < args.heads; ++head) {
      const std::int64_t at = std::int64_t{head} * args.head_dim;
      if (args.interleaved)
        rotate_neighbours(x + at + 2 * first, y + at + 2 * first, count, rotations);
      else
        rotate_halves(x + at + first, y + at + first, half, count, rotations);
    }
  }
  copy_rest(args, x, y);
}

inline float largest_frequency(const RopeArgs& args) {
  float largest = 0;
  for (int i = 0; i < args.rotary_dim / 2; ++i)
    largest = args.inverse_frequencies[i] > largest ? args.inverse_frequencies[i] : largest;
  return largest;
}

// Rows whose angles are beyond the reduction of sine_cosine (positions over four millions) go to the
// definition.
inline void rope_rows(const RopeArgs& args, void (*definition)(const RopeArgs&) noexcept) {
  const float largest = largest_frequency(args);
  for (std::int64_t row = 0; row < args.rows; ++row) {
    if (static_cast<float>(args.positions[row]) * largest <= kLargestAngle) {
      rope_row(args, row);
      continue;
    }
    RopeArgs one = args;
    one.rows = 1;
    one.positions += row;
    one.x += row * args.ldx;
    one.y += row * args.ldy;
    definition(one);
  }
}

}  // namespace
}  // namespace swiftlet::kernels
