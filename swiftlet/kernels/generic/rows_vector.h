// Row kernels over the vectors of <isa>/vec.h, which the including file includes before this one, with
// sine_cosine.h. D is the row length.
#pragma once

#include "swiftlet/kernels/rows.h"

namespace swiftlet::kernels {
namespace {

constexpr int kSums = 4;  // independent partial sums of a reduction

// Calls step(i, whole vector) or, for the tail, step(i, lanes): f(i, count).
template <class F>
inline void for_vectors(std::int64_t d, F f) {
  std::int64_t i = 0;
  for (; i + kLanes <= d; i += kLanes) f(i, std::int64_t{kLanes});
  if (i < d) f(i, d - i);
}
inline Vec load_lanes(const float* p, std::int64_t count) {
  return count == kLanes ? load(p) : load_part(p, count);
}
inline void store_lanes(float* p, std::int64_t count, Vec x) {
  if (count == kLanes)
    store(p, x);
  else
    store_part(p, count, x);
}

// y[i] = f(i, lanes) for vectors of results.
template <class F>
inline void map(float* y, std::int64_t d, F f) {
  for_vectors(d, [&](std::int64_t i, std::int64_t count) { store_lanes(y + i, count, f(i, count)); });
}

// The sum of f(i, lanes), whose idle lanes are zero, in kSums interleaved chains.
template <class F>
inline float sum_of(std::int64_t d, F f) {
  Vec sums[kSums] = {zero(), zero(), zero(), zero()};
  std::int64_t i = 0;
  for (; i + kSums * kLanes <= d; i += kSums * kLanes)
#pragma GCC unroll 4
    for (int s = 0; s < kSums; ++s) sums[s] = add(sums[s], f(i + s * kLanes, std::int64_t{kLanes}));
  for (; i < d; i += kLanes) sums[0] = add(sums[0], f(i, d - i < kLanes ? d - i : std::int64_t{kLanes}));
  return reduce_add(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

// s = x + residual of one row, to `sum` when given, and where the later passes read it: y, or x itself
// without a residual. Returns the sum of f(s) on the way.
struct ResidualRow {
  const float* x;
  const float* residual;
  float* sum;
  float* y;

  const float* kept() const { return residual ? y : x; }

  template <class F>
  float add_up(std::int64_t d, F f) const {
    return sum_of(d, [&](std::int64_t i, std::int64_t n) {
      Vec s = load_lanes(x + i, n);
      if (residual) {
        s = add(s, load_lanes(residual + i, n));
        store_lanes(y + i, n, s);
      }
      if (sum) store_lanes(sum + i, n, s);
      return f(s);
    });
  }
};

inline ResidualRow residual_row(const float* x, const float* residual, float* sum, float* y,
                                std::int64_t at) {
  return {x + at, residual ? residual + at : nullptr, sum ? sum + at : nullptr, y + at};
}

inline float inverse_root(float sum, std::int64_t d, float eps) {
  return 1.0f / __builtin_sqrtf(sum / static_cast<float>(d) + eps);
}

void layer_norm(const float* x, const float* residual, const float* gain, const float* bias, float eps,
                std::int64_t rows, std::int64_t d, float* sum, float* y) noexcept {
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * d;
    const ResidualRow input = residual_row(x, residual, sum, y, at);
    const float* s = input.kept();
    const float total = input.add_up(d, [](Vec value) { return value; });
    const Vec mean = splat(total / static_cast<float>(d));
    // Idle lanes of the tail hold -mean and must not count.
    const float squares = sum_of(d, [&](std::int64_t i, std::int64_t n) {
      const Vec centred = sub(load_lanes(s + i, n), mean);
      const Vec square = mul(centred, centred);
      return n == kLanes ? square : select(lanes_between(0, n), square, zero());
    });
    const Vec factor = splat(inverse_root(squares, d, eps));
    map(y + at, d, [&](std::int64_t i, std::int64_t n) {
      const Vec normal = mul(sub(load_lanes(s + i, n), mean), factor);
      return fma(normal, load_lanes(gain + i, n), bias ? load_lanes(bias + i, n) : zero());
    });
  }
}

void rms_norm(const float* x, const float* residual, const float* gain, float gain_offset, float eps,
              std::int64_t rows, std::int64_t d, float* sum, float* y) noexcept {
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * d;
    const ResidualRow input = residual_row(x, residual, sum, y, at);
    const float* s = input.kept();
    const float squares = input.add_up(d, [](Vec value) { return mul(value, value); });
    const Vec factor = splat(inverse_root(squares, d, eps));
    map(y + at, d, [&](std::int64_t i, std::int64_t n) {
      return mul(mul(load_lanes(s + i, n), factor), add(load_lanes(gain + i, n), splat(gain_offset)));
    });
  }
}

void activate(Activation activation, const float* x, float* y, std::int64_t n) noexcept {
  math::visit(activation, [&](auto f) {
    map(y, n, [&](std::int64_t i, std::int64_t count) { return f(load_lanes(x + i, count)); });
  });
}

void gate(Activation activation, const float* gates, std::int64_t ldg, const float* up, std::int64_t ldu,
          float* y, std::int64_t ldy, std::int64_t rows, std::int64_t d) noexcept {
  math::visit(activation, [&](auto f) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* g = gates + row * ldg;
      const float* u = up + row * ldu;
      map(y + row * ldy, d,
          [&](std::int64_t i, std::int64_t n) { return mul(f(load_lanes(g + i, n)), load_lanes(u + i, n)); });
    }
  });
}

void add_rows(const float* a, const float* b, float* y, std::int64_t n) noexcept {
  map(y, n, [&](std::int64_t i, std::int64_t count) {
    return add(load_lanes(a + i, count), load_lanes(b + i, count));
  });
}

void mul_rows(const float* a, const float* b, float* y, std::int64_t n) noexcept {
  map(y, n, [&](std::int64_t i, std::int64_t count) {
    return mul(load_lanes(a + i, count), load_lanes(b + i, count));
  });
}

void scale_rows(const float* a, float factor, float* y, std::int64_t n) noexcept {
  map(y, n, [&](std::int64_t i, std::int64_t count) { return mul(load_lanes(a + i, count), splat(factor)); });
}

// Idle lanes of a maximum: -inf.
inline Vec load_or_lowest(const float* p, std::int64_t count) {
  if (count == kLanes) return load(p);
  return select(lanes_between(0, count), load_part(p, count), splat(-__builtin_inff()));
}

inline void softmax_row(const float* x, float* y, std::int64_t d) {
  Vec largest = splat(-__builtin_inff());
  for_vectors(d,
              [&](std::int64_t i, std::int64_t n) { largest = max_over(load_or_lowest(x + i, n), largest); });
  const float top = reduce_max(largest);
  const Vec shift = splat(top == -__builtin_inff() ? 0.0f : top);
  const float total = sum_of(d, [&](std::int64_t i, std::int64_t n) {
    const Vec p = math::exp(sub(load_or_lowest(x + i, n), shift));
    store_lanes(y + i, n, p);
    return p;
  });
  scale_rows(y, total == 0 ? 0.0f : 1.0f / total, y, d);
}

void softmax(const float* x, float* y, std::int64_t rows, std::int64_t d) noexcept {
  for (std::int64_t row = 0; row < rows; ++row) softmax_row(x + row * d, y + row * d, d);
}

void mean_rows(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept {
  const Vec factor = splat(1.0f / static_cast<float>(rows));
  map(y, d, [&](std::int64_t i, std::int64_t n) {
    Vec total = zero();
    for (std::int64_t row = 0; row < rows; ++row) total = add(total, load_lanes(x + row * d + i, n));
    return mul(total, factor);
  });
}

// A NaN anywhere in the column wins, as in torch.
void max_rows(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept {
  map(y, d, [&](std::int64_t i, std::int64_t n) {
    Vec largest = load_lanes(x + i, n);
    for (std::int64_t row = 1; row < rows; ++row) {
      const Vec value = load_lanes(x + row * d + i, n);
      largest = select(either(greater(value, largest), is_nan(value)), value, largest);
    }
    return largest;
  });
}

void l2_normalize(const float* x, std::int64_t rows, std::int64_t d, float* y) noexcept {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * d;
    const float squares = sum_of(d, [&](std::int64_t i, std::int64_t n) {
      const Vec value = load_lanes(from + i, n);
      return mul(value, value);
    });
    const float norm = __builtin_sqrtf(squares);
    scale_rows(from, 1.0f / (norm < 1e-12f ? 1e-12f : norm), y + row * d, d);  // a NaN stays
  }
}

void add_scaled(const float* x, float factor, float* y, std::int64_t n) noexcept {
  const Vec by = splat(factor);
  map(y, n, [&](std::int64_t i, std::int64_t count) {
    return fma(load_lanes(x + i, count), by, load_lanes(y + i, count));
  });
}

void combine(const float* weights, const float* rows, std::int64_t ld, std::int64_t count, std::int64_t n,
             float* y) noexcept {
  std::int64_t i = 0;
  for (; i + kSums * kLanes <= n; i += kSums * kLanes) {
    Vec sums[kSums] = {zero(), zero(), zero(), zero()};
    for (std::int64_t r = 0; r < count; ++r) {
      const Vec weight = splat(weights[r]);
#pragma GCC unroll 4
      for (int s = 0; s < kSums; ++s) sums[s] = fma(load(rows + r * ld + i + s * kLanes), weight, sums[s]);
    }
#pragma GCC unroll 4
    for (int s = 0; s < kSums; ++s) store(y + i + s * kLanes, sums[s]);
  }
  for (; i < n; i += kLanes) {
    const std::int64_t lanes = n - i < kLanes ? n - i : std::int64_t{kLanes};
    Vec sum = zero();
    for (std::int64_t r = 0; r < count; ++r)
      sum = fma(load_lanes(rows + r * ld + i, lanes), splat(weights[r]), sum);
    store_lanes(y + i, lanes, sum);
  }
}

// A NaN is greater than nothing and stays.
inline Vec at_most(Vec x, Vec limit) {
  return select(greater(x, limit), limit, x);
}
inline Vec at_least(Vec x, Vec limit) {
  return select(greater(limit, x), limit, x);
}

void clip_rows(const float* x, float limit, float* y, std::int64_t n) noexcept {
  const Vec top = splat(limit), bottom = splat(-limit);
  map(y, n, [&](std::int64_t i, std::int64_t count) {
    return at_least(at_most(load_lanes(x + i, count), top), bottom);
  });
}

void clamped_gate(const float* gates, const float* up, float alpha, float limit, float* y,
                  std::int64_t n) noexcept {
  const Vec top = splat(limit), bottom = splat(-limit), sharpness = splat(alpha);
  map(y, n, [&](std::int64_t i, std::int64_t count) {
    const Vec g = at_most(load_lanes(gates + i, count), top);
    const Vec u = at_least(at_most(load_lanes(up + i, count), top), bottom);
    const Vec active = mul(g, math::sigmoid(mul(sharpness, g)));
    return fma(u, active, active);
  });
}

}  // namespace
}  // namespace swiftlet::kernels
