#include "swiftlet/compress/quantize/scale_search.h"

#include <algorithm>
#include <cmath>

#include "swiftlet/encoding/integer.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {
namespace {

constexpr int kTrials = 20;
constexpr double kLeast = 1e-4;       // of a size of a channel: dead ones would get factors without bound
constexpr std::int64_t kRows = 2048;  // of a matrix that are tried at a time

using Doubles = std::vector<double>;

// max |w| of each column over all readers.
Doubles largest_of_columns(std::span<const ScaledReader> readers, std::int64_t k) {
  Doubles largest(static_cast<std::size_t>(k));
  std::vector<float> row(static_cast<std::size_t>(k));
  for (const ScaledReader& reader : readers)
    for (std::int64_t r = 0; r < reader.weight.shape[0]; ++r) {
      decode_row(reader.weight, r, row.data());
      for (std::size_t c = 0; c < row.size(); ++c)
        largest[c] = std::max(largest[c], std::fabs(double{row[c]}));
    }
  return largest;
}

// The largest of those that share a row, for each channel.
void share(Doubles& sizes, const std::vector<std::int64_t>& row) {
  Doubles of_row(static_cast<std::size_t>(*std::max_element(row.begin(), row.end())) + 1);
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    double& size = of_row[static_cast<std::size_t>(row[c])];
    size = std::max(size, sizes[c]);
  }
  for (std::size_t c = 0; c < sizes.size(); ++c)
    sizes[c] = std::max(of_row[static_cast<std::size_t>(row[c])], kLeast);
}

// How large a channel is, on the side of the input and on that of the weights.
struct Sizes {
  Doubles input, weights;
};

Sizes sizes_of(ChannelScaling scaling, const InputSample& sample, std::span<const ScaledReader> readers,
               const std::vector<std::int64_t>& row) {
  Sizes sizes;
  for (std::int64_t c = 0; c < sample.k(); ++c)
    sizes.input.push_back(scaling == ChannelScaling::kAwq ? sample.mean(c) : sample.largest(c));
  share(sizes.input, row);
  if (scaling == ChannelScaling::kAwq) return sizes;
  sizes.weights = largest_of_columns(readers, sample.k());
  share(sizes.weights, row);
  return sizes;
}

std::vector<float> scales_of(const Sizes& sizes, double exponent) {
  Doubles s;
  for (std::size_t c = 0; c < sizes.input.size(); ++c)
    s.push_back(std::pow(sizes.input[c], exponent) /
                (sizes.weights.empty() ? 1 : std::pow(sizes.weights[c], 1 - exponent)));
  const auto [least, most] = std::minmax_element(s.begin(), s.end());
  const double middle = std::sqrt(*least * *most);
  std::vector<float> scales;
  for (const double value : s) scales.push_back(static_cast<float>(std::max(value / middle, kLeast)));
  return scales;
}

// The nearest values of an int8 of each row, as the integer kernels round their inputs.
void round_to_int8(float* x, std::int64_t k) {
  float largest = 0;
  for (std::int64_t c = 0; c < k; ++c) largest = std::max(largest, std::fabs(x[c]));
  if (largest == 0) return;
  const float scale = largest / 127;
  for (std::int64_t c = 0; c < k; ++c) x[c] = std::nearbyint(x[c] / scale) * scale;
}

void round_weights(const Encoding& encoding, float* row, std::int64_t k, const std::string& name) {
  const std::int64_t group = encoding.group > 0 ? encoding.group : k;
  for (std::int64_t first = 0; first < k; first += group) {
    const std::int64_t count = std::min(group, k - first);
    const GroupScale scale = choose_scale(encoding, row + first, count, name);
    for (std::int64_t c = first; c < first + count; ++c)
      row[c] = code_value(scale, nearest_code(encoding, scale, row[c]));
  }
}

// What is lost under factors s, on one sample.
class Trial {
 public:
  Trial(Dense& dense, const InputSample& sample) : dense_(dense), sample_(sample) {}

  double loss(std::span<const ScaledReader> readers, const std::vector<float>& s) {
    const bool rounds = std::any_of(readers.begin(), readers.end(), [](const ScaledReader& reader) {
      return reader.arithmetic == Arithmetic::kInt8;
    });
    if (rounds) round_input(s);
    double sum = 0;
    for (const ScaledReader& reader : readers)
      for (std::int64_t begin = 0; begin < reader.weight.shape[0]; begin += kRows)
        sum += loss_of_rows(reader, s, begin, std::min(kRows, reader.weight.shape[0] - begin));
    return sum;
  }

 private:
  // rounded_ := what the rounded x / s is, times s.
  void round_input(const std::vector<float>& s) {
    rounded_ = sample_.values();
    const std::int64_t k = sample_.k();
    dense_.pool().parallel_for(sample_.rows(), 16, [&](std::int64_t begin, std::int64_t end) {
      for (float* x = rounded_.data() + begin * k; begin < end; ++begin, x += k) {
        for (std::int64_t c = 0; c < k; ++c) x[c] /= s[static_cast<std::size_t>(c)];
        round_to_int8(x, k);
        for (std::int64_t c = 0; c < k; ++c) x[c] *= s[static_cast<std::size_t>(c)];
      }
    });
  }

  // |x' W'ᵀ - x Wᵀ|² over the sample and the rows of W. Where x' is x that is |x (W' - W)ᵀ|².
  double loss_of_rows(const ScaledReader& reader, const std::vector<float>& s, std::int64_t begin,
                      std::int64_t count) {
    const std::int64_t k = sample_.k(), m = sample_.rows();
    const bool rounds = reader.arithmetic == Arithmetic::kInt8;
    original_.resize(static_cast<std::size_t>(count * k));
    changed_.resize(original_.size());
    for_rows_of_panels(count, &dense_.pool(), [&](std::int64_t first, std::int64_t last) {
      for (; first < last; ++first) {
        float* const w = original_.data() + first * k;
        float* const q = changed_.data() + first * k;
        decode_row(reader.weight, begin + first, w);
        check_finite(reader.weight, begin + first, {w, static_cast<std::size_t>(k)});
        for (std::int64_t c = 0; c < k; ++c) q[c] = w[c] * s[static_cast<std::size_t>(c)];
        round_weights(reader.encoding, q, k, reader.weight.name);
        for (std::int64_t c = 0; c < k; ++c) {
          q[c] /= s[static_cast<std::size_t>(c)];
          if (!rounds) q[c] -= w[c];
        }
      }
    });
    const ConstMatrix w{original_.data(), count, k, k}, q{changed_.data(), count, k, k};
    got_.resize(static_cast<std::size_t>(m * count));
    wanted_.assign(got_.size(), 0.0f);
    dense_.multiply_transposed({rounds ? rounded_.data() : sample_.values().data(), m, k, k}, q,
                               {got_.data(), m, count, count});
    if (rounds)
      dense_.multiply_transposed({sample_.values().data(), m, k, k}, w, {wanted_.data(), m, count, count});
    double sum = 0;
    for (std::size_t i = 0; i < got_.size(); ++i) {
      const double difference = double{got_[i]} - wanted_[i];
      sum += difference * difference;
    }
    return sum;
  }

  Dense& dense_;
  const InputSample& sample_;
  std::vector<float> rounded_, original_, changed_, got_, wanted_;
};

}  // namespace

ChannelScales search_channel_scales(Dense& dense, ChannelScaling scaling, const InputSample& sample,
                                    std::span<const ScaledReader> readers,
                                    const std::vector<std::int64_t>& row) {
  Trial trial(dense, sample);
  ChannelScales best{0, std::vector<float>(static_cast<std::size_t>(sample.k()), 1.0f)};
  double least = trial.loss(readers, best.s);
  const Sizes sizes = sizes_of(scaling, sample, readers, row);
  for (int i = 1; i <= kTrials; ++i) {
    const double exponent = static_cast<double>(i) / kTrials;
    std::vector<float> s = scales_of(sizes, exponent);
    const double loss = trial.loss(readers, s);
    if (!(loss < least)) continue;
    least = loss;
    best = {exponent, std::move(s)};
  }
  return best;
}

}  // namespace swiftlet
