#include "swiftlet/ops/rope.h"

#include "swiftlet/graph/test_ops.h"
#include "tests/support/run_graph.h"

namespace swiftlet::ops {
namespace {

using test::doubles;
using test::error_of;

const Dim kTokens = Dim::symbol("tokens");

RopeSpec spec_of(std::int64_t head_dim, std::int64_t rotary_dim, bool interleaved, double factor = 1) {
  return {.head_dim = head_dim,
          .rotary_dim = rotary_dim,
          .interleaved = interleaved,
          .attention_factor = factor,
          .inverse_frequencies = default_inverse_frequencies(100, rotary_dim)};
}

struct RopeTest : testing::Test {
  Graph graph;
  Value x = graph.add_input("x", {DType::kF32, {kTokens, 30}});
  Value positions = graph.add_input("positions", {DType::kI32, {kTokens}});
  Tensor values = test::random_tensor({6, 30}, 1);
  std::vector<std::int32_t> places{0, 1, 2, 0, 7, 1000};

  // Every pair as a complex number times factor * exp(i * position * frequency).
  std::vector<double> rotated(const RopeSpec& spec) const {
    auto rows = doubles(values);
    const auto half = static_cast<std::size_t>(spec.rotary_dim / 2),
               head = static_cast<std::size_t>(spec.head_dim);
    for (std::size_t at = 0; at < rows.size(); at += head)
      for (std::size_t i = 0; i < half; ++i) {
        const std::size_t a = at + (spec.interleaved ? 2 * i : i), b = spec.interleaved ? a + 1 : a + half;
        const double angle = places[at / 30] * spec.inverse_frequencies[i];
        const double re = rows[a], im = rows[b];
        rows[a] = spec.attention_factor * (re * std::cos(angle) - im * std::sin(angle));
        rows[b] = spec.attention_factor * (re * std::sin(angle) + im * std::cos(angle));
      }
    return rows;
  }
  void expect(const RopeSpec& spec) {
    Graph own;
    const Value input = own.add_input("x", {DType::kF32, {kTokens, 30}});
    own.add_output(rope(input, own.add_input("positions", {DType::kI32, {kTokens}}), spec));
    // The angle is an f32 product: at position 1000 it is good to about 6e-5.
    test::expect_outputs(own, test::ragged({3, 3}), {{"x", values}, {"positions", test::int_tensor(places)}},
                         {test::tensor_of({6, 30}, rotated(spec))}, 1e-4);
  }
  std::string error(const RopeSpec& spec) {
    return error_of([&] { rope(x, positions, spec); });
  }
};

TEST_F(RopeTest, Halves) {
  expect(spec_of(10, 10, false));
}

TEST_F(RopeTest, Neighbours) {
  expect(spec_of(10, 10, true));
}

TEST_F(RopeTest, APartOfEachHead) {
  expect(spec_of(15, 6, false));
  expect(spec_of(15, 6, true));
}

// Sequences of 2 and 4 tokens: only the second is longer than 3.
TEST_F(RopeTest, LongSequencesTurnByFrequenciesOfTheirOwn) {
  RopeSpec spec = spec_of(10, 10, false), extended = spec;
  for (double& frequency : extended.inverse_frequencies) frequency /= 4;
  std::vector<double> expected = rotated(spec);
  const std::vector<double> of_long = rotated(extended);
  std::copy(of_long.begin() + 60, of_long.end(), expected.begin() + 60);
  spec.long_inverse_frequencies = extended.inverse_frequencies;
  spec.short_context = 3;
  graph.add_output(rope(x, positions, spec));
  test::expect_outputs(graph, test::ragged({2, 4}), {{"x", values}, {"positions", test::int_tensor(places)}},
                       {test::tensor_of({6, 30}, expected)}, 1e-4);
  spec.long_inverse_frequencies.pop_back();
  EXPECT_EQ(error(spec),
            "[rope.1 (rope)] needs 5 long inverse frequencies and the context from which they hold");
}

TEST_F(RopeTest, AttentionFactor) {
  expect(spec_of(10, 10, false, 1.3));
}

TEST_F(RopeTest, PositionZeroChangesNothing) {
  graph.add_output(rope(x, positions, spec_of(10, 10, false)));
  std::fill(places.begin(), places.end(), 0);
  test::expect_outputs(graph, test::ragged({6}), {{"x", values}, {"positions", test::int_tensor(places)}},
                       {values}, 0);
}

TEST_F(RopeTest, DefaultFrequencies) {
  const auto frequencies = default_inverse_frequencies(10000, 8);
  ASSERT_EQ(frequencies.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(frequencies[i], std::pow(10000.0, -static_cast<double>(i) / 4), 1e-7 * frequencies[i] + 1e-9);
}

TEST_F(RopeTest, RejectsWhatDoesNotFit) {
  EXPECT_EQ(error(spec_of(16, 16, false)),
            "[rope.0 (rope)] f32[tokens, 30] does not divide into heads of 16");
  EXPECT_EQ(error(spec_of(10, 12, false)), "[rope.0 (rope)] rotary_dim must be even and at most 10, is 12");
  EXPECT_EQ(error(spec_of(10, 5, false)), "[rope.0 (rope)] rotary_dim must be even and at most 10, is 5");
  RopeSpec few = spec_of(10, 10, false);
  few.inverse_frequencies.pop_back();
  EXPECT_EQ(error(few), "[rope.0 (rope)] needs 5 inverse frequencies");
  const Value others = graph.add_input("others", {DType::kI32, {Dim::symbol("n")}});
  EXPECT_EQ(error_of([&] { rope(x, others, spec_of(10, 10, false)); }),
            "[rope.0 (rope)] positions must be i32[tokens], are i32[n]");
  const Value cube = graph.add_input("cube", {DType::kF32, {kTokens, 3, 10}});
  EXPECT_EQ(error_of([&] { rope(cube, positions, spec_of(10, 10, false)); }),
            "[rope.0 (rope)] x must have 2 dimensions, is f32[tokens, 3, 10]");
}

TEST_F(RopeTest, Cost) {
  const Value y = rope(x, positions, spec_of(10, 10, false));
  EXPECT_EQ(test::cost_of(y, 10).bytes, (2 * 300 + 10) * 4);
}

}  // namespace
}  // namespace swiftlet::ops
