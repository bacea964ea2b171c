#include "swiftlet/compress/prune/mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "swiftlet/kernels/test_values.h"

namespace swiftlet {
namespace {

struct Scores {
  std::int64_t rows, columns;
  std::vector<float> values;

  ConstMatrix matrix() const { return {values.data(), rows, columns, columns}; }
  double at(std::int64_t r, std::int64_t c) const {
    return values[static_cast<std::size_t>(r * columns + c)];
  }
};

// Few different scores, so that most are equal to others.
Scores with_ties(std::int64_t rows, std::int64_t columns) {
  Scores scores{rows, columns, kernels::random_values(rows * columns, 7)};
  for (float& value : scores.values) value = std::floor(std::fabs(value) * 4);
  return scores;
}

Mask mask_of(const char* pattern, const Scores& scores, Rivals rivals, int threads = 2) {
  ThreadPool pool(threads);
  Mask mask(scores.rows, scores.columns);
  mark_least(parse_prune_pattern(pattern), scores.matrix(), rivals, mask, 0, pool);
  return mask;
}

// By sorting all blocks of `rows` rows of blocks at once: what the definition says, in double.
std::vector<std::uint8_t> sorted_out(const Scores& s, std::int64_t height, std::int64_t width,
                                     std::int64_t rows, double ratio) {
  std::vector<std::uint8_t> zero(s.values.size());
  const std::int64_t across = s.columns / width;
  for (std::int64_t first = 0; first < s.rows / height; first += rows) {
    std::vector<double> sums;
    for (std::int64_t b = 0; b < rows * across; ++b) {
      sums.push_back(0);
      for (std::int64_t i = 0; i < height * width; ++i)
        sums.back() += s.at((first + b / across) * height + i / width, b % across * width + i % width);
    }
    std::vector<std::size_t> order(sums.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return sums[a] < sums[b]; });
    order.resize(static_cast<std::size_t>(ratio * static_cast<double>(sums.size()) + 1e-6));
    for (const std::size_t block : order)
      for (std::int64_t i = 0; i < height * width; ++i) {
        const auto b = static_cast<std::int64_t>(block);
        const std::int64_t r = (first + b / across) * height + i / width, c = b % across * width + i % width;
        zero[static_cast<std::size_t>(r * s.columns + c)] = 1;
      }
  }
  return zero;
}

TEST(Mask, OfRivalsTheLeastGoAndOfEqualOnesTheFirst) {
  const Scores scores = with_ties(24, 44);
  for (const auto& [text, height, width, ratio] :
       {std::tuple{"50%", 1, 1, 0.5}, {"29%", 1, 1, 0.29}, {"1x4:50%", 1, 4, 0.5}, {"4x4:70%", 4, 4, 0.7}})
    for (const Rivals rivals : {Rivals::kMatrix, Rivals::kRow}) {
      const std::int64_t rows = rivals == Rivals::kRow ? 1 : scores.rows / height;
      const std::vector<std::uint8_t> expected = sorted_out(scores, height, width, rows, ratio);
      for (const int threads : {1, 3})
        EXPECT_EQ(mask_of(text, scores, rivals, threads).zero, expected) << text;
    }
}

TEST(Mask, KeepsExactlyNOfM) {
  const Scores scores = with_ties(9, 48);
  for (const auto& [text, keep, group] :
       {std::tuple{"2:4", 2, 4}, {"4:8", 4, 8}, {"1:3", 1, 3}, {"5:6", 5, 6}, {"1:48", 1, 48}}) {
    const Mask mask = mask_of(text, scores, Rivals::kMatrix);
    for (std::int64_t r = 0; r < 9; ++r)
      for (std::int64_t c = 0; c < 48; c += group) {
        // As if the group were a matrix of its own.
        Scores own{1, group, {}};
        for (std::int64_t i = 0; i < group; ++i)
          own.values.push_back(static_cast<float>(scores.at(r, c + i)));
        const std::vector<std::uint8_t> expected =
            sorted_out(own, 1, 1, 1, static_cast<double>(group - keep) / group);
        const std::uint8_t* const got = mask.zero.data() + r * 48 + c;
        EXPECT_EQ(std::count(got, got + group, 1), group - keep);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got))
            << text << " row " << r << " column " << c;
      }
  }
}

TEST(Mask, AThresholdTakesWhatIsBelowIt) {
  const Scores scores{1, 5, {0.5f, 1.0f, 0.999f, 7.0f, 0.0f}};
  EXPECT_EQ(mask_of("below:1", scores, Rivals::kRow).zero, (std::vector<std::uint8_t>{1, 0, 1, 0, 1}));
}

TEST(Mask, MarksAPartOfAMatrix) {
  ThreadPool pool(1);
  Mask mask(2, 6);
  const Scores scores{2, 2, {1, 2, 4, 3}};
  mark_least(parse_prune_pattern("50%"), scores.matrix(), Rivals::kRow, mask, 3, pool);
  EXPECT_EQ(mask.zero, (std::vector<std::uint8_t>{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0}));
}

TEST(Mask, ZeroesWhatItMarksAndNothingElse) {
  ThreadPool pool(2);
  const std::vector<float> values = kernels::random_values(5 * 7, 3);
  Mask mask(5, 7);
  for (std::size_t i = 0; i < values.size(); i += 3) mask.zero[i] = 1;
  const std::vector<float> got =
      decode(with_zeros(weight_from_tensor("w", Tensor::from(values, {5, 7})), mask, pool));
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(got[i], i % 3 == 0 ? 0 : values[i]);
}

}  // namespace
}  // namespace swiftlet
