#include "swiftlet/compress/prune/sparse_gpt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "swiftlet/compress/prune/magnitude.h"
#include "swiftlet/compress/prune/wanda.h"
#include "swiftlet/compress/quantize/gptq.h"
#include "swiftlet/compress/test_problem.h"
#include "swiftlet/core/error.h"
#include "swiftlet/encoding/integer.h"

namespace swiftlet {
namespace {

using test::Doubles;
using test::Problem;

constexpr FeedbackOptions kOptions{.damping = 0.01, .activation_order = false};

std::size_t at(std::int64_t r, std::int64_t c, std::int64_t k) {
  return static_cast<std::size_t>(r * k + c);
}

// Optimal brain surgery column by column in double, with the inverse itself: after each column those that are
// left move by -(error / inverse[c, c]) * inverse[c, :], and the column leaves the inverse.
struct Surgery {
  std::int64_t n, k;
  Doubles w;                       // [n, k], what has become of it
  Doubles diagonal;                // inverse[c, c] when all before c have left
  std::vector<Doubles> rows;       // inverse[c, :] then
  std::vector<std::uint8_t> zero;  // [n, k]

  explicit Surgery(const Problem& p)
      : n(p.n), k(p.k), w(p.values.begin(), p.values.end()), zero(p.values.size()) {
    const auto size = static_cast<std::size_t>(k);
    Doubles inverse = test::inverse(p.damped(kOptions.damping), size);
    for (std::size_t c = 0; c < size; ++c) {
      const Doubles row(inverse.begin() + static_cast<std::ptrdiff_t>(c * size),
                        inverse.begin() + static_cast<std::ptrdiff_t>(c * size + size));
      diagonal.push_back(row[c]);
      rows.push_back(row);
      for (std::size_t a = 0; a < size; ++a)
        for (std::size_t b = 0; b < size; ++b) inverse[a * size + b] -= row[a] * row[b] / row[c];
    }
  }

  double cost(std::int64_t r, std::int64_t c) const {
    const double value = w[at(r, c, k)];
    return value * value / diagonal[static_cast<std::size_t>(c)];
  }
  // Of blocks [height, width] in columns [begin, end) of rows [top, bottom), `count` become zero.
  void choose(std::int64_t top, std::int64_t bottom, std::int64_t begin, std::int64_t end,
              std::int64_t height, std::int64_t width, std::int64_t count) {
    std::vector<std::pair<double, std::int64_t>> costs;  // of each block, and where it begins
    for (std::int64_t r = top; r < bottom; r += height)
      for (std::int64_t c = begin; c < end; c += width) {
        double sum = 0;
        for (std::int64_t i = 0; i < height * width; ++i) sum += cost(r + i / width, c + i % width);
        costs.emplace_back(sum, r * k + c);
      }
    std::sort(costs.begin(), costs.end());
    for (std::int64_t b = 0; b < count; ++b)
      for (std::int64_t i = 0; i < height * width; ++i)
        zero[static_cast<std::size_t>(costs[static_cast<std::size_t>(b)].second + i / width * k +
                                      i % width)] = 1;
  }
  // What a pattern says before column c is set.
  void choose(const PrunePattern& pattern, std::int64_t c) {
    constexpr std::int64_t kBlock = 128;
    if (pattern.kind == PrunePattern::Kind::kGroups && c % pattern.group == 0) {
      for (std::int64_t r = 0; r < n; ++r)
        choose(r, r + 1, c, c + pattern.group, 1, 1, pattern.group - pattern.keep);
    } else if (pattern.kind == PrunePattern::Kind::kRatio && c % kBlock == 0) {
      const std::int64_t end = std::min(c + kBlock, k);
      const std::int64_t blocks = n * (end - c) / (pattern.block_rows * pattern.block_columns);
      choose(0, n, c, end, pattern.block_rows, pattern.block_columns,
             static_cast<std::int64_t>(pattern.ratio * static_cast<double>(blocks) + 1e-6));
    }
  }
  // Sets all columns: marked elements to zero, others to what `kept` makes of them.
  void run(const std::function<void(std::int64_t c)>& before_column,
           const std::function<double(std::int64_t r, std::int64_t c, double value)>& kept) {
    for (std::int64_t c = 0; c < k; ++c) {
      before_column(c);
      const auto column = static_cast<std::size_t>(c);
      for (std::int64_t r = 0; r < n; ++r) {
        const double value = w[at(r, c, k)], set = zero[at(r, c, k)] != 0 ? 0 : kept(r, c, value);
        const double step = (value - set) / diagonal[column];
        for (std::int64_t j = c; j < k; ++j)
          w[at(r, j, k)] -= step * rows[column][static_cast<std::size_t>(j)];
        w[at(r, c, k)] = set;
      }
    }
  }
};

double unchanged(std::int64_t, std::int64_t, double value) {
  return value;
}

// Rows whose zeros are the textbook's; in the others two costs were as good as equal in f32.
template <class Check>
void expect_rows(const Surgery& surgery, const Weight& got, Check check) {
  const std::vector<float> values = decode(got);
  std::int64_t alike = 0;
  for (std::int64_t r = 0; r < surgery.n; ++r) {
    bool same = true;
    for (std::int64_t c = 0; c < surgery.k; ++c)
      same = same && (surgery.zero[at(r, c, surgery.k)] != 0) == (values[at(r, c, surgery.k)] == 0);
    alike += same;
    for (std::int64_t c = 0; same && c < surgery.k; ++c)
      check(r, c, values[at(r, c, surgery.k)], surgery.w[at(r, c, surgery.k)]);
  }
  EXPECT_GE(alike, surgery.n - 1);
}

TEST(SparseGpt, IsOptimalBrainSurgeryColumnByColumn) {
  struct Case {
    const char* pattern;
    std::int64_t columns;  // more than one block of them
  };
  for (const Case& c : {Case{"50%", 150},
                        {"70%", 131},
                        {"2:4", 152},
                        {"4:8", 152},
                        {"1:3", 150},
                        {"3:6", 150},
                        {"1x4:50%", 152},
                        {"4x4:50%", 152}}) {
    Problem p(20, c.columns, 400);  // a last panel that is not full
    const PrunePattern pattern = parse_prune_pattern(c.pattern);
    Surgery surgery(p);
    surgery.run([&](std::int64_t column) { surgery.choose(pattern, column); }, unchanged);
    const ErrorFeedback feedback(p.dense, p.moments, kOptions, "w");
    const Weight got = prune_by_sparse_gpt(p.dense, feedback, pattern, p.weight).weight;
    double moved = 0;
    expect_rows(surgery, got, [&](std::int64_t row, std::int64_t column, double value, double expected) {
      ASSERT_NEAR(value, expected, 2e-4) << c.pattern << " row " << row << " column " << column;
      if (value != 0) moved = std::max(moved, std::fabs(value - p.values[at(row, column, p.k)]));
    });
    EXPECT_GT(moved, 0.1) << c.pattern;
    // Exactly what the pattern says, whatever was equal.
    const std::vector<float> values = decode(got);
    const std::int64_t zeros = std::count(values.begin(), values.end(), 0.0f);
    EXPECT_EQ(zeros, std::count(surgery.zero.begin(), surgery.zero.end(), 1)) << c.pattern;
    if (pattern.kind != PrunePattern::Kind::kGroups) continue;
    for (auto group = values.begin(); group != values.end(); group += pattern.group)
      ASSERT_EQ(std::count(group, group + pattern.group, 0.0f), pattern.group - pattern.keep);
  }
}

// Zeros that were chosen before stay, and the others make up for rounding. After SparseGPT that is one pass
// over the original matrix which prunes and rounds; after magnitude, one over what it leaves.
TEST(SparseGpt, IsOnePassWithRounding) {
  for (const bool by_magnitude : {false, true})
    for (const Encoding encoding : {Encoding{Format::kInt4, 32, true}, {Format::kInt8, 0, false}}) {
      Problem p(18, 152, 400);
      const PrunePattern pattern = parse_prune_pattern("2:4");
      const Gptq gptq(p.dense, p.moments, {.damping = 0.01, .activation_order = false}, "w");
      const Mask mask = magnitude_mask(pattern, p.weight, p.pool);
      const PrunedWeight left = by_magnitude
                                    ? PrunedWeight{with_zeros(p.weight, mask, p.pool), mask}
                                    : prune_by_sparse_gpt(p.dense, gptq.feedback(), pattern, p.weight);
      const std::vector<float> scaled_by = decode(left.weight);
      Surgery surgery(p);
      if (by_magnitude) surgery.w.assign(scaled_by.begin(), scaled_by.end());
      surgery.zero = left.zeros.zero;
      const std::int64_t group = encoding.group > 0 ? encoding.group : p.k;
      surgery.run([](std::int64_t) {},
                  [&](std::int64_t r, std::int64_t c, double value) {
                    const std::int64_t first = c / group * group;
                    const GroupScale scale = choose_scale(encoding, scaled_by.data() + r * p.k + first,
                                                          std::min(group, p.k - first), "w");
                    return code_value(scale, nearest_code(encoding, scale, static_cast<float>(value)));
                  });
      const GroupScales scales = usual_scales(left.weight, encoding, p.pool);
      const Weight got = gptq.round(p.dense, left.weight, encoding, scales, &left.zeros);
      const std::vector<float> values = decode(got);
      std::int64_t different = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_TRUE(left.zeros.zero[i] == 0 || values[i] == 0) << i;
        different += std::fabs(values[i] - surgery.w[i]) > 1e-6;
      }
      // A value halfway between two codes may go either way in f32, and the rest of its row after it.
      EXPECT_LE(different, p.n * p.k / 50) << to_string(encoding) << " of " << p.n * p.k;
    }
}

// In the order of activations too.
TEST(SparseGpt, GptqLeavesTheZerosOfAMask) {
  Problem p(18, 152, 400);
  const Mask mask = magnitude_mask(parse_prune_pattern("50%"), p.weight, p.pool);
  const Gptq gptq(p.dense, p.moments, {.activation_order = true}, "w");
  const Encoding encoding{Format::kInt4, 32, false};
  const Weight left = with_zeros(p.weight, mask, p.pool);
  const Weight got = gptq.round(p.dense, left, encoding, usual_scales(left, encoding, p.pool), &mask);
  const std::vector<float> values = decode(got);
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_TRUE(mask.zero[i] == 0 || values[i] == 0) << i;
}

TEST(SparseGpt, LosesLessOfTheOutputThanWandaAndWandaThanMagnitude) {
  Problem p(16, 140, 600);
  const ErrorFeedback feedback(p.dense, p.moments, kOptions, "w");
  for (const char* text : {"50%", "2:4", "1x4:50%", "4x4:50%"}) {
    const PrunePattern pattern = parse_prune_pattern(text);
    const double magnitude =
        p.output_error(with_zeros(p.weight, magnitude_mask(pattern, p.weight, p.pool), p.pool));
    const double wanda =
        p.output_error(with_zeros(p.weight, wanda_mask(pattern, p.weight, p.moments, p.pool), p.pool));
    const double sparse_gpt =
        p.output_error(prune_by_sparse_gpt(p.dense, feedback, pattern, p.weight).weight);
    EXPECT_LT(wanda, 0.9 * magnitude) << text;
    EXPECT_LT(sparse_gpt, 0.5 * wanda) << text;
  }
}

TEST(SparseGpt, DoesNotDependOnTheThreads) {
  Problem p(52, 200, 300);
  ThreadPool one(1);
  Dense alone(one);
  const ErrorFeedback a(p.dense, p.moments, kOptions, "w"), b(alone, p.moments, kOptions, "w");
  for (const char* text : {"50%", "2:4", "4x4:50%"}) {
    const PrunePattern pattern = parse_prune_pattern(text);
    EXPECT_EQ(decode(prune_by_sparse_gpt(p.dense, a, pattern, p.weight).weight),
              decode(prune_by_sparse_gpt(alone, b, pattern, p.weight).weight));
  }
}

TEST(SparseGpt, RefusesWeightsThatAreNotFinite) {
  Problem p(8, 32, 40);
  p.values[35] = NAN;
  const Weight broken = weight_from_tensor("w", Tensor::from(p.values, {8, 32}));
  const ErrorFeedback feedback(p.dense, p.moments, kOptions, "w");
  try {
    prune_by_sparse_gpt(p.dense, feedback, parse_prune_pattern("2:4"), broken);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[w] expected finite values, row 1 column 3 is nan");
  }
}

}  // namespace
}  // namespace swiftlet
