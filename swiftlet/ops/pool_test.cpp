#include "swiftlet/ops/pool.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::doubles;
using test::error_of;

const Dim kTokens = Dim::symbol("tokens");
constexpr std::size_t kWidth = 9;

struct PoolTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, std::int64_t{kWidth}}});
  Tensor values = test::random_tensor({17, kWidth}, 1);
};

// [first row, last row] of the sequences and one column -> its pooled value.
using Reduce = std::function<double(const std::vector<double>& column)>;

TEST_F(PoolTest, EveryModeOverRaggedSequences) {
  const std::vector<int> lengths{3, 1, 8, 5};
  const std::pair<const char*, Reduce> modes[] = {
      {"cls", [](const auto& column) { return column.front(); }},
      {"last", [](const auto& column) { return column.back(); }},
      {"max", [](const auto& column) { return *std::max_element(column.begin(), column.end()); }},
      {"mean",
       [](const auto& column) {
         return std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(column.size());
       }},
      {"mean_sqrt",
       [](const auto& column) {
         return std::accumulate(column.begin(), column.end(), 0.0) /
                std::sqrt(static_cast<double>(column.size()));
       }},
      {"weighted",
       [](const auto& column) {
         double sum = 0, weights = 0;
         for (std::size_t i = 0; i < column.size(); ++i) {
           sum += static_cast<double>(i + 1) * column[i];
           weights += static_cast<double>(i + 1);
         }
         return sum / weights;
       }},
  };
  const auto rows = doubles(values);
  for (const auto& [mode, reduce] : modes) {
    Graph own;
    own.add_output(pool(own.add_input("x", {DType::kF32, {kTokens, std::int64_t{kWidth}}}), mode));
    std::vector<double> expected;
    std::size_t first = 0;
    for (int length : lengths) {
      for (std::size_t d = 0; d < kWidth; ++d) {
        std::vector<double> column;
        for (std::size_t row = first; row < first + static_cast<std::size_t>(length); ++row)
          column.push_back(rows[row * kWidth + d]);
        expected.push_back(reduce(column));
      }
      first += static_cast<std::size_t>(length);
    }
    SCOPED_TRACE(mode);
    test::expect_outputs(own, test::ragged(lengths), {{"x", values}},
                         {test::tensor_of({4, kWidth}, expected)}, 1e-6);
  }
}

// Several modes side by side, without the first tokens of each sequence but where none would be left.
TEST_F(PoolTest, SkipsTokensAndJoinsModes) {
  const Value skip = graph.add_input("skip", {DType::kI32, {Dim::symbol("sequences")}});
  const Value y = pool(x, "cls,weighted", skip);
  EXPECT_EQ(y.type().to_string(), "f32[sequences, 18]");
  graph.add_output(y);
  const auto rows = doubles(values);
  const std::vector<int> lengths{3, 1, 8, 5}, skipped{2, 1, 3, 0};
  std::vector<double> expected;
  for (std::size_t s = 0, begin = 0; s < lengths.size(); begin += static_cast<std::size_t>(lengths[s++])) {
    const int first = skipped[s] < lengths[s] ? skipped[s] : 0;
    const auto at = [&](int row, std::size_t d) {
      return rows[(begin + static_cast<std::size_t>(row)) * kWidth + d];
    };
    for (std::size_t d = 0; d < kWidth; ++d) expected.push_back(at(first, d));
    for (std::size_t d = 0; d < kWidth; ++d) {
      double sum = 0, weights = 0;
      for (int row = first; row < lengths[s]; ++row) {
        sum += (row + 1) * at(row, d);
        weights += row + 1;
      }
      expected.push_back(sum / weights);
    }
  }
  test::expect_outputs(graph, test::ragged(lengths),
                       {{"x", values}, {"skip", test::int_tensor({2, 1, 3, 0})}},
                       {test::tensor_of({4, 2 * kWidth}, expected)}, 1e-6);
}

TEST_F(PoolTest, SelectRowsInAnyOrder) {
  const Value rows = graph.add_input("rows", {DType::kI32, {Dim::symbol("outputs")}});
  const Value y = select_rows(x, rows);
  EXPECT_EQ(y.type().to_string(), "f32[outputs, 9]");
  graph.add_output(y);
  const std::vector<std::int32_t> chosen{16, 0, 16, 3};
  std::vector<Tensor> expected;
  for (std::int32_t row : chosen) expected.push_back(test::rows_of(values, row, row + 1));
  test::expect_outputs(graph, test::ragged({17}), {{"x", values}, {"rows", test::int_tensor(chosen)}},
                       {test::stack_rows(expected)}, 0);
}

TEST_F(PoolTest, RejectsWhatDoesNotFit) {
  EXPECT_EQ(
      error_of([&] { pool(x, "median"); }),
      "[pool.0 (pool)] mode 'median' is not known; known are cls, mean, max, last, mean_sqrt, weighted");
  const Value fixed = graph.add_input("fixed", {DType::kF32, {4, 9}});
  EXPECT_EQ(error_of([&] { pool(fixed, "mean"); }), "[pool.0 (pool)] x must be f32[tokens, D], is f32[4, 9]");
  EXPECT_EQ(
      error_of([&] { select_rows(x, fixed); }),
      "[select_rows.0 (select_rows)] x must be f32[rows, D] and the rows i32[n], are f32[tokens, 9] and "
      "f32[4, 9]");
}

TEST_F(PoolTest, Cost) {
  EXPECT_EQ(test::cost_of(pool(x, "mean"), 10).bytes, 2 * 10 * 9 * 4);
}

}  // namespace
}  // namespace swiftlet::ops
