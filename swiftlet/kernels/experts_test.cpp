// The mixture of experts against a plain loop in double, on every table that the machine has.
#include "swiftlet/kernels/experts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "swiftlet/core/rng.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet::kernels {
namespace {

TEST(Route, TakesTheGreatestAndTheFirstOfEquals) {
  const std::vector<float> scores = {1, 3, 3, -2, 3, 0};
  std::vector<float> gates(6);
  route({.chosen = 2}, scores.data(), 1, 6, gates.data());
  EXPECT_EQ(gates, (std::vector<float>{0, 0.5f, 0.5f, 0, 0, 0}));
  route({.chosen = 4}, scores.data(), 1, 6, gates.data());
  EXPECT_GT(gates[0], 0);
  EXPECT_EQ(gates[1], gates[4]);
  EXPECT_EQ(gates[5], 0);
}

TEST(Route, SoftmaxOverAllOrOverTheChosen) {
  const std::vector<float> scores = random_values(3 * 7, 1);
  for (const bool over_all : {false, true})
    for (const std::int64_t chosen : {1, 2, 5, 7}) {
      std::vector<float> gates = scores;  // in place
      route({.chosen = chosen, .over_all = over_all, .factor = 2.5}, gates.data(), 3, 7, gates.data());
      for (std::size_t row = 0; row < 3; ++row) {
        const float* s = scores.data() + row * 7;
        std::vector<std::size_t> order(7);
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return s[a] > s[b]; });
        double sum = 0;
        for (std::size_t i = 0; i < (over_all ? 7 : static_cast<std::size_t>(chosen)); ++i)
          sum += std::exp(s[order[i]]);
        for (std::size_t i = 0; i < 7; ++i)
          EXPECT_NEAR(gates[row * 7 + order[i]],
                      i < static_cast<std::size_t>(chosen) ? 2.5 * std::exp(s[order[i]]) / sum : 0, 1e-6)
              << "row " << row << ", place " << i << ", chosen " << chosen;
      }
    }
}

TEST(Route, ScoresWithoutOrderChooseWithinTheExperts) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInf = std::numeric_limits<float>::infinity();
  for (const std::vector<float>& scores : {std::vector<float>{kNan, kNan, kNan, kNan},
                                           {kNan, 1, 2, kNan},
                                           {-kInf, -kInf, -kInf, -kInf},
                                           {kInf, kInf, 0, kNan}}) {
    std::vector<float> gates(4, 7.0f);
    route({.chosen = 2}, scores.data(), 1, 4, gates.data());
    EXPECT_LE(std::count_if(gates.begin(), gates.end(), [](float gate) { return gate != 0; }), 2);
  }
}

// Experts of any encodings, and what a plain loop makes of them.
struct Mixture {
  std::int64_t hidden, width;
  std::vector<Weight> gates, ups, downs;
  std::vector<float> gate_bias, up_bias, down_bias;  // [E, I], [E, I], [E, H]
  std::vector<Expert> views;
  ExpertGate how;
  bool biased = false;

  Mixture(std::int64_t count, std::int64_t hidden_size, std::int64_t inner,
          const std::vector<const char*>& encodings, Arithmetic arithmetic, bool with_biases)
      : hidden(hidden_size), width(inner), biased(with_biases) {
    std::uint64_t seed = 10;
    const auto make = [&](std::int64_t n, std::int64_t k) {
      const auto name = encodings[static_cast<std::size_t>(seed) % encodings.size()];
      return encode(weight_from_tensor("w", Tensor::from(random_values(n * k, seed++), {n, k})),
                    *parse_encoding(name));
    };
    for (std::int64_t e = 0; e < count; ++e) {
      gates.push_back(make(width, hidden));
      ups.push_back(make(width, hidden));
      downs.push_back(make(hidden, width));
    }
    gate_bias = random_values(count * width, 3);
    up_bias = random_values(count * width, 4);
    down_bias = random_values(count * hidden, 5);
    for (std::size_t e = 0; e < gates.size(); ++e) {
      const auto at = static_cast<std::int64_t>(e);
      views.push_back({matrix(gates[e], gate_bias.data() + at * width, arithmetic),
                       matrix(ups[e], up_bias.data() + at * width, arithmetic),
                       matrix(downs[e], down_bias.data() + at * hidden, arithmetic)});
    }
  }
  ExpertMatrix matrix(const Weight& weight, const float* bias, Arithmetic arithmetic) const {
    return {panel_view(weight), biased ? bias : nullptr, arithmetic};
  }

  static std::vector<double> product(const Weight& weight, const std::vector<double>& x, const float* bias) {
    const std::vector<float> w = decode(weight);
    std::vector<double> y;
    for (std::int64_t n = 0; n < weight.shape[0]; ++n) {
      double sum = bias == nullptr ? 0 : bias[n];
      for (std::size_t k = 0; k < x.size(); ++k)
        sum += x[k] * static_cast<double>(w[static_cast<std::size_t>(n) * x.size() + k]);
      y.push_back(sum);
    }
    return y;
  }

  double gated(double gate, double up) const {
    if (how.limit == 0) return gate / (1 + std::exp(-gate)) * up;
    gate = std::min(gate, double{how.limit});
    up = std::clamp(up, -double{how.limit}, double{how.limit});
    return (up + 1) * gate / (1 + std::exp(-how.alpha * gate));
  }

  std::vector<double> expected(const std::vector<float>& x, const std::vector<float>& weights) const {
    const std::size_t h = static_cast<std::size_t>(hidden), count = views.size();
    std::vector<double> y(x.size());
    for (std::size_t row = 0; row < x.size() / h; ++row)
      for (std::size_t e = 0; e < count; ++e) {
        if (weights[row * count + e] == 0) continue;
        const std::vector<double> in(x.begin() + static_cast<std::ptrdiff_t>(row * h),
                                     x.begin() + static_cast<std::ptrdiff_t>((row + 1) * h));
        auto inner = product(gates[e], in, views[e].gate.bias);
        const auto up = product(ups[e], in, views[e].up.bias);
        for (std::size_t i = 0; i < inner.size(); ++i) inner[i] = gated(inner[i], up[i]);
        const auto out = product(downs[e], inner, views[e].down.bias);
        for (std::size_t i = 0; i < h; ++i)
          y[row * h + i] += static_cast<double>(weights[row * count + e]) * out[i];
      }
    return y;
  }

  std::vector<float> run(const KernelTable& table, ThreadPool& pool, const std::vector<float>& x,
                         const std::vector<float>& weights, std::int64_t chosen) const {
    const auto rows = static_cast<std::int64_t>(x.size()) / hidden;
    std::vector<float> y(x.size(), 123.0f);
    const std::size_t bytes = experts_workspace(table, pool.size(), views, rows, chosen);
    Buffer workspace = Buffer::heap(bytes + 64);
    std::fill(workspace.mutable_data(), workspace.mutable_data() + bytes + 64, std::byte{0xfe});
    experts(table, pool,
            {.x = x.data(),
             .gates = weights.data(),
             .y = y.data(),
             .rows = rows,
             .experts = std::ssize(views),
             .hidden = hidden,
             .width = width,
             .chosen = chosen,
             .gate = how,
             .expert =
                 [](const void* source, std::int64_t index) noexcept {
                   return (*static_cast<const std::vector<Expert>*>(source))[static_cast<std::size_t>(index)];
                 },
             .source = &views},
            workspace.mutable_data());
    for (std::size_t i = bytes; i < bytes + 64; ++i)
      EXPECT_EQ(workspace.data()[i], std::byte{0xfe}) << "wrote beyond the workspace";
    return y;
  }
};

// The gates of rows that take experts as `chooses` says.
template <class F>
std::vector<float> gates_of(std::int64_t rows, std::int64_t count, F chooses) {
  std::vector<float> gates(static_cast<std::size_t>(rows * count));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t e = 0; e < count; ++e)
      if (chooses(row, e))
        gates[static_cast<std::size_t>(row * count + e)] =
            0.1f +
            static_cast<float>(uniform(9, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(e)));
  return gates;
}

void expect_close(const std::vector<float>& got, const std::vector<double>& expected, double tolerance,
                  const std::string& what) {
  double squares = 0;
  for (const double value : expected) squares += value * value;
  const double typical = std::sqrt(squares / static_cast<double>(expected.size())) + 1e-30;
  std::size_t worst = 0;
  double error = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const double own = std::abs(got[i] - expected[i]) / typical; !(own <= error)) error = own, worst = i;
  EXPECT_LE(error, tolerance) << what << ": element " << worst << " is " << got[worst] << ", expected "
                              << expected[worst];
}

struct Pattern {
  const char* name;
  std::int64_t rows, chosen;
  bool (*chooses)(std::int64_t row, std::int64_t expert);
};

constexpr std::int64_t kExperts = 5;
constexpr Pattern kPatterns[] = {
    {"one row", 1, 2, [](std::int64_t, std::int64_t e) { return e == 1 || e == 4; }},
    {"all rows to one expert", 21, 1, [](std::int64_t, std::int64_t e) { return e == 3; }},
    {"experts without rows", 9, 2, [](std::int64_t row, std::int64_t e) { return e == row % 2 || e == 3; }},
    {"every expert", 7, kExperts, [](std::int64_t, std::int64_t) { return true; }},
    {"rows without experts", 6, 2, [](std::int64_t row, std::int64_t e) { return row % 3 == 1 && e < 2; }},
    {"no row at all", 3, 2, [](std::int64_t, std::int64_t) { return false; }},
    // Two passes over the rows, cut inside an expert.
    {"many rows", 700, 2, [](std::int64_t row, std::int64_t e) { return e == row % 3 || e == 4; }},
};

TEST(Experts, MatchDoublePrecisionWhateverTheRowsChoose) {
  ThreadPool one(1), three(3);
  Mixture mixture(kExperts, 37, 22, {"f32"}, Arithmetic::kF32, true);
  for (const Pattern& pattern : kPatterns) {
    const auto x = random_values(pattern.rows * 37, 2);
    const auto gates = gates_of(pattern.rows, kExperts, pattern.chooses);
    const auto expected = mixture.expected(x, gates);
    for (const KernelTable* table : available_tables()) {
      const auto y = mixture.run(*table, one, x, gates, pattern.chosen);
      expect_close(y, expected, 2e-5, fmt::format("{}, {}", pattern.name, table->isa));
      EXPECT_EQ(y, mixture.run(*table, three, x, gates, pattern.chosen))
          << pattern.name << ", " << table->isa;
    }
  }
}

TEST(Experts, EveryEncodingAndArithmetic) {
  ThreadPool pool(2);
  struct Case {
    std::vector<const char*> encodings;
    Arithmetic arithmetic;
    double tolerance;  // int8 arithmetic rounds the rows, twice
  };
  // The last ones give experts, and the two products of one expert, different geometries.
  for (const Case& c :
       {Case{{"f16"}, Arithmetic::kF32, 2e-5}, Case{{"bf16"}, Arithmetic::kF32, 2e-5},
        Case{{"int8"}, Arithmetic::kF32, 2e-5}, Case{{"int4-g32"}, Arithmetic::kF32, 2e-5},
        Case{{"bf16"}, Arithmetic::kBF16, 3e-2}, Case{{"int8"}, Arithmetic::kInt8, 1e-1},
        Case{{"int4-g32-asym"}, Arithmetic::kInt8, 1e-1}, Case{{"int8", "int4-g32"}, Arithmetic::kInt8, 1e-1},
        Case{{"int4-g16", "int8-g8", "f32", "int4"}, Arithmetic::kF32, 2e-5}}) {
    Mixture mixture(kExperts, 96, 64, c.encodings, c.arithmetic, false);
    const auto x = random_values(19 * 96, 2);
    const auto gates =
        gates_of(19, kExperts, [](std::int64_t row, std::int64_t e) { return e == row % 4 || e == 4; });
    for (const KernelTable* table : available_tables()) {
      const auto runs = [&](const char* name) {
        return linear_supported(*table, c.arithmetic, *parse_encoding(name));
      };
      if (!std::all_of(c.encodings.begin(), c.encodings.end(), runs)) continue;
      expect_close(mixture.run(*table, pool, x, gates, 2), mixture.expected(x, gates), c.tolerance,
                   fmt::format("{}, {} x {}", table->isa, to_string(c.arithmetic), c.encodings[0]));
    }
  }
}

// Gate and up may differ in their arithmetic, as where a plan left out one of them.
TEST(Experts, OneExpertOfTwoArithmetics) {
  ThreadPool pool(2);
  Mixture mixture(kExperts, 64, 48, {"int8"}, Arithmetic::kInt8, true);
  for (std::size_t e = 0; e < mixture.views.size(); e += 2) mixture.views[e].up.arithmetic = Arithmetic::kF32;
  const auto x = random_values(40 * 64, 2);
  const auto gates = gates_of(40, kExperts, [](std::int64_t row, std::int64_t e) { return e != row % 5; });
  for (const KernelTable* table : available_tables())
    if (linear_supported(*table, Arithmetic::kInt8, {Format::kInt8}))
      expect_close(mixture.run(*table, pool, x, gates, 4), mixture.expected(x, gates), 1e-1,
                   std::string(table->isa));
}

TEST(Experts, ClampedGates) {
  ThreadPool pool(2);
  Mixture mixture(kExperts, 33, 20, {"f32"}, Arithmetic::kF32, true);
  mixture.how = {.alpha = 1.702f, .limit = 2.0f};
  auto x = random_values(8 * 33, 2);
  for (float& value : x) value *= 3;
  const auto gates = gates_of(8, kExperts, [](std::int64_t row, std::int64_t e) { return e <= row % 5; });
  for (const KernelTable* table : available_tables())
    expect_close(mixture.run(*table, pool, x, gates, 5), mixture.expected(x, gates), 2e-5,
                 std::string(table->isa));
}

// What a row becomes does not depend on the rows beside it.
TEST(Experts, ARowAloneGivesTheBitsThatItGivesAmongOthers) {
  ThreadPool pool(3);
  for (const auto& [name, arithmetic] :
       {std::pair{"f32", Arithmetic::kF32}, {"int4-g32", Arithmetic::kInt8}}) {
    Mixture mixture(kExperts, 96, 64, {name}, arithmetic, true);
    const auto x = random_values(600 * 96, 2);
    const auto gates = gates_of(600, kExperts, [](std::int64_t row, std::int64_t e) { return e != row % 5; });
    for (const KernelTable* table : available_tables()) {
      if (!linear_supported(*table, arithmetic, *parse_encoding(name))) continue;
      const auto together = mixture.run(*table, pool, x, gates, 4);
      for (const std::int64_t row : {0, 17, 255, 256, 599}) {
        const std::vector<float> own(x.begin() + row * 96, x.begin() + (row + 1) * 96);
        const std::vector<float> gate(gates.begin() + row * kExperts, gates.begin() + (row + 1) * kExperts);
        const auto alone = mixture.run(*table, pool, own, gate, 4);
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + row * 96))
            << "row " << row << ", " << table->isa << ", " << name;
      }
    }
  }
}

// More gates than were planned for: the first ones count, and nothing is written beyond the workspace.
TEST(Experts, GatesBeyondTheChosenAreLeftOut) {
  ThreadPool pool(1);
  Mixture mixture(kExperts, 33, 20, {"f32"}, Arithmetic::kF32, false);
  const auto x = random_values(4 * 33, 2);
  const auto all = gates_of(4, kExperts, [](std::int64_t, std::int64_t) { return true; });
  auto two = all;
  for (std::size_t i = 0; i < two.size(); ++i)
    if (i % kExperts >= 2) two[i] = 0;
  for (const KernelTable* table : available_tables())
    EXPECT_EQ(mixture.run(*table, pool, x, all, 2), mixture.run(*table, pool, x, two, 2));
}

}  // namespace
}  // namespace swiftlet::kernels
