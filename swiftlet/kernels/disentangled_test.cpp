// Disentangled attention against its formula in double, on every table that the machine has.
#include "swiftlet/kernels/disentangled.h"

#include <algorithm>
#include <numeric>

#include "swiftlet/kernels/test_values.h"

namespace swiftlet::kernels {
namespace {

constexpr int kHeads = 3, kHeadDim = 9, kWidth = kHeads * kHeadDim;
constexpr std::int64_t kMost = 12, kRows = 10;  // rows of the tables

struct DisentangledTest : testing::TestWithParam<const KernelTable*> {
  std::vector<float> q, k, v, keys = random_values(kRows * kWidth, 4),
                              queries = random_values(kRows * kWidth, 5);
  std::vector<std::int32_t> buckets;
  std::vector<Segment> segments;

  void batch(const std::vector<int>& lengths) {
    segments.clear();
    std::int32_t begin = 0;
    for (const int length : lengths) {
      segments.push_back({.query_begin = begin, .query_end = begin + length, .keys = length});
      begin += length;
    }
    q = random_values(begin * kWidth, 1);
    k = random_values(begin * kWidth, 2);
    v = random_values(begin * kWidth, 3);
    buckets.clear();
    for (std::int64_t d = 1 - kMost; d < kMost; ++d)
      buckets.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(d, -4, 4) + 5));
  }

  std::vector<float> run(int threads, bool with_keys, bool with_queries) const {
    ThreadPool pool(threads);
    std::int64_t longest = 0;
    for (const Segment& segment : segments)
      longest = std::max<std::int64_t>(longest, segment.query_end - segment.query_begin);
    std::vector<float> y(q.size(), 99.0f);
    const std::size_t bytes = disentangled_workspace(kHeadDim, longest, kRows, threads);
    Buffer workspace = Buffer::heap(bytes + 64);
    std::fill(workspace.mutable_data(), workspace.mutable_data() + bytes + 64, std::byte{0xfe});
    disentangled_attention(*GetParam(), pool,
                           {.heads = kHeads,
                            .head_dim = kHeadDim,
                            .scale = 0.4f,
                            .q = q.data(),
                            .k = k.data(),
                            .v = v.data(),
                            .position_keys = with_keys ? keys.data() : nullptr,
                            .position_queries = with_queries ? queries.data() : nullptr,
                            .buckets = buckets.data(),
                            .most = kMost,
                            .segments = segments.data(),
                            .segment_count = static_cast<int>(segments.size()),
                            .y = y.data()},
                           longest, kRows, workspace.mutable_data());
    for (std::size_t i = bytes; i < bytes + 64; ++i)
      EXPECT_EQ(workspace.data()[i], std::byte{0xfe}) << "wrote beyond the workspace";
    return y;
  }

  static double dot(const std::vector<float>& a, std::int64_t row_a, const std::vector<float>& b,
                    std::int64_t row_b, int head) {
    double sum = 0;
    for (int d = 0; d < kHeadDim; ++d)
      sum += double{a[static_cast<std::size_t>(row_a * kWidth + head * kHeadDim + d)]} *
             b[static_cast<std::size_t>(row_b * kWidth + head * kHeadDim + d)];
    return sum;
  }

  std::vector<double> expected(bool with_keys, bool with_queries) const {
    std::vector<double> y(q.size());
    for (const Segment& segment : segments)
      for (int head = 0; head < kHeads; ++head)
        for (std::int64_t i = segment.query_begin; i < segment.query_end; ++i) {
          std::vector<double> p;
          for (std::int64_t j = segment.query_begin; j < segment.query_end; ++j) {
            const std::int64_t b = std::clamp<std::int64_t>(i - j, -4, 4) + 5;
            double score = dot(q, i, k, j, head);
            if (with_keys) score += dot(q, i, keys, b, head);
            if (with_queries) score += dot(k, j, queries, b, head);
            p.push_back(std::exp(0.4f * score));
          }
          const double sum = std::accumulate(p.begin(), p.end(), 0.0);
          for (std::size_t n = 0; n < p.size(); ++n)
            for (int d = 0; d < kHeadDim; ++d) {
              const auto at = static_cast<std::size_t>(head * kHeadDim + d);
              y[static_cast<std::size_t>(i) * kWidth + at] +=
                  p[n] / sum * v[(static_cast<std::size_t>(segment.query_begin) + n) * kWidth + at];
            }
        }
    return y;
  }
};

// The last sequence is longer than the distances that are told apart.
TEST_P(DisentangledTest, MatchesTheFormula) {
  batch({1, 5, 0, 12, 2, 30});
  for (const auto& [with_keys, with_queries] :
       {std::pair{true, true}, {true, false}, {false, true}, {false, false}}) {
    const auto y = run(1, with_keys, with_queries);
    EXPECT_TRUE(near(y, expected(with_keys, with_queries), [](std::size_t) { return 2e-6; }))
        << with_keys << with_queries;
    EXPECT_TRUE(same_bits(run(3, with_keys, with_queries), y));
  }
}

TEST_P(DisentangledTest, ASequenceAloneGivesTheBitsThatItGivesAmongOthers) {
  batch({7, 4});
  const auto together = run(2, true, true);
  segments.resize(1);
  q.resize(7 * kWidth);
  const auto alone = run(2, true, true);
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin()));
}

INSTANTIATE_TEST_SUITE_P(Tables, DisentangledTest, testing::ValuesIn(available_tables()), table_name);

}  // namespace
}  // namespace swiftlet::kernels
