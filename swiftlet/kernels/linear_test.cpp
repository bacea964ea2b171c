// Every kernel table against double precision: the weight decoded by its living definition, x as the
// arithmetic sees it (f32, rounded to bf16, quantized to int8 per token).
#include "swiftlet/kernels/linear.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/encoding/float_format.h"
#include "swiftlet/encoding/test_blocks.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"
#include "swiftlet/kernels/scalar/math.h"
#include "swiftlet/kernels/test_tables.h"

namespace swiftlet::kernels {
namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
constexpr Activation kActivations[] = {Activation::kNone,     Activation::kRelu, Activation::kGelu,
                                       Activation::kGeluTanh, Activation::kSilu, Activation::kTanh,
                                       Activation::kSigmoid};

std::vector<float> random_values(std::int64_t count, std::uint64_t seed, float range = 1.0f) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = range * static_cast<float>(2 * uniform(seed, 0, i) - 1);
  return values;
}

Weight random_weight(const char* encoding, std::int64_t n, std::int64_t k, std::uint64_t seed) {
  const Encoding wanted = *parse_encoding(encoding);
  if (wanted.has_blocks()) return test::random_blocks(wanted.format, n, k, seed);
  const std::vector<float> values = random_values(n * k, seed, 0.5f);
  Weight rows = weight_from_tensor("w", Tensor::from(values, {n, k}));
  return encode(rows, wanted);
}

// x as the arithmetic sees it.
std::vector<double> seen_by(Arithmetic arithmetic, const float* x, std::int64_t k) {
  std::vector<double> seen(x, x + k);
  if (arithmetic == Arithmetic::kBF16)
    for (double& v : seen) v = bf16_to_f32(f32_to_bf16(static_cast<float>(v)));
  if (arithmetic == Arithmetic::kInt8) {
    float largest = 0;
    for (std::int64_t c = 0; c < k; ++c) {
      if (!std::isfinite(x[c])) return std::vector<double>(static_cast<std::size_t>(k), std::nan(""));
      largest = std::max(largest, std::fabs(x[c]));
    }
    const float scale = largest / 127.0f, inverse = largest == 0 ? 0 : 127.0f / largest;
    for (std::int64_t c = 0; c < k; ++c)
      seen[static_cast<std::size_t>(c)] = static_cast<double>(std::lrint(x[c] * inverse)) * scale;
  }
  return seen;
}

struct Case {
  Arithmetic arithmetic;
  const char* encoding;
};
constexpr Case kCases[] = {
    {Arithmetic::kF32, "f32"},
    {Arithmetic::kF32, "f16"},
    {Arithmetic::kF32, "bf16"},
    {Arithmetic::kF32, "int8"},
    {Arithmetic::kF32, "int8-asym"},
    {Arithmetic::kF32, "int8-g32"},
    {Arithmetic::kF32, "int4"},
    {Arithmetic::kF32, "int4-g32"},
    {Arithmetic::kF32, "int4-g20-asym"},
    {Arithmetic::kF32, "int8-g37-asym"},
    {Arithmetic::kF32, "q4_k"},
    {Arithmetic::kF32, "q5_k"},
    {Arithmetic::kF32, "q6_k"},
    {Arithmetic::kF32, "q5_0"},
    {Arithmetic::kF32, "q4_r"},
    {Arithmetic::kBF16, "bf16"},
    {Arithmetic::kInt8, "int8"},
    {Arithmetic::kInt8, "int8-asym"},
    {Arithmetic::kInt8, "int8-g32"},
    {Arithmetic::kInt8, "int8-g64-asym"},
    {Arithmetic::kInt8, "int8-g37"},
    {Arithmetic::kInt8, "int8-g100-asym"},
    {Arithmetic::kInt8, "int4"},
    {Arithmetic::kInt8, "int4-g32"},
    {Arithmetic::kInt8, "int4-g32-asym"},
    {Arithmetic::kInt8, "int4-g128"},
    {Arithmetic::kInt8, "int4-g20-asym"},
    {Arithmetic::kInt8, "int4-asym"},
    {Arithmetic::kInt8, "q4_k"},
    {Arithmetic::kInt8, "q5_k"},
    {Arithmetic::kInt8, "q6_k"},
    {Arithmetic::kInt8, "q5_0"},
    {Arithmetic::kInt8, "q4_r"},
};

// The least number of columns from k on that the encoding can have.
std::int64_t columns_of(const Case& c, std::int64_t k) {
  const Encoding encoding = *parse_encoding(c.encoding);
  const std::int64_t step = encoding.has_blocks() ? block_size(encoding.format).columns : 1;
  return (k + step - 1) / step * step;
}

bool supported(const KernelTable& table, const Case& c) {
  return linear_supported(table, c.arithmetic, *parse_encoding(c.encoding));
}

std::vector<Case> cases_of(const KernelTable& table) {
  std::vector<Case> cases;
  for (const Case& c : kCases)
    if (supported(table, c)) cases.push_back(c);
  return cases;
}

std::string case_name(const KernelTable& table, const Case& c) {
  const char* names[] = {"f32", "bf16", "int8"};
  return fmt::format("{} {} x {}", table.isa, names[static_cast<int>(c.arithmetic)], c.encoding);
}

// A call of linear() whose x and y are misaligned and whose y is guarded on all sides.
struct Call {
  std::int64_t m, ldx, ldy;
  std::vector<float> x, y;
  static constexpr float kGuard = 12345.0f;

  Call(std::int64_t rows, std::int64_t k, std::int64_t n, std::uint64_t seed)
      : m(rows),
        ldx(k + 3),
        ldy(n + 5),
        x(random_values(rows * (k + 3) + 1, seed, 3.0f)),
        y(static_cast<std::size_t>(rows * (n + 5) + 1), kGuard) {}
  const float* row(std::int64_t r) const { return x.data() + 1 + r * ldx; }
  float* mutable_row(std::int64_t r) { return x.data() + 1 + r * ldx; }

  void run(const KernelTable& table, ThreadPool& pool, Arithmetic arithmetic,
           std::vector<LinearOutput> outputs) {
    outputs[0].y = y.data() + 1;
    outputs[0].ldy = ldy;
    const std::size_t bytes = linear_workspace(table, pool.size(), arithmetic, outputs, m);
    Buffer workspace = Buffer::heap(bytes + 64);
    std::fill(workspace.mutable_data(), workspace.mutable_data() + bytes + 64, std::byte{0xfe});
    linear(table, pool, arithmetic, row(0), ldx, m, outputs, workspace.mutable_data());
    for (std::size_t i = bytes; i < bytes + 64; ++i)
      ASSERT_EQ(workspace.data()[i], std::byte{0xfe}) << "wrote beyond the workspace";
    ASSERT_EQ(y[0], kGuard) << "wrote before y";
  }
  float at(std::int64_t r, std::int64_t n) const { return y[static_cast<std::size_t>(1 + r * ldy + n)]; }
};

// How far a result is from the definition, in units of what rounding may do; infinitely where one of them is
// NaN or infinite and the other is not the same.
double error_of(double expected, double tolerance, float got) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  if (std::isnan(expected)) return std::isnan(got) ? 0 : kFar;
  if (std::isinf(expected)) return static_cast<double>(got) == expected ? 0 : kFar;
  return std::isfinite(got) ? std::fabs(static_cast<double>(got) - expected) / tolerance : kFar;
}

// Runs a call, compares every output with double precision and shows the worst.
void check_call(const KernelTable& table, ThreadPool& pool, const Case& c, Call& call, const Weight& weight,
                Activation activation = Activation::kNone, const float* bias = nullptr) {
  call.run(table, pool, c.arithmetic,
           {{.weight = panel_view(weight), .bias = bias, .activation = activation}});
  const std::int64_t n = weight.shape[0], k = weight.shape[1];
  const std::vector<float> w = decode(weight);
  double worst = -1;
  std::string where = "none";
  for (std::int64_t r = 0; r < call.m; ++r) {
    const std::vector<double> x = seen_by(c.arithmetic, call.row(r), k);
    for (std::int64_t j = 0; j < n; ++j) {
      double dot = bias == nullptr ? 0 : bias[j], norm = std::fabs(dot);
      for (std::int64_t i = 0; i < k; ++i) {
        const double product = x[static_cast<std::size_t>(i)] * w[static_cast<std::size_t>(j * k + i)];
        dot += product;
        norm += std::fabs(product);
      }
      const double expected = scalar::activate(activation, static_cast<float>(dot));
      // A chain of K additions errs by at most K eps |x||w|; in practice by about its square root.
      const double tolerance = kEps * (4 + 2 * std::sqrt(static_cast<double>(k))) * norm + 2e-7;
      const double error = error_of(expected, tolerance, call.at(r, j));
      if (error > worst) {
        worst = error;
        where = fmt::format("[{}, {}] of {} {} {}: expected {}, got {}", r, j, call.m, n, k, expected,
                            call.at(r, j));
      }
    }
    for (std::int64_t j = n; j < call.ldy; ++j) ASSERT_EQ(call.at(r, j), Call::kGuard) << "wrote beyond N";
  }
  EXPECT_LE(worst, 1.0) << case_name(table, c) << " activation " << static_cast<int>(activation) << " at "
                        << where;
}

void check_against_double(const KernelTable& table, ThreadPool& pool, const Case& c, std::int64_t m,
                          std::int64_t n, std::int64_t least_k, Activation activation, bool with_bias) {
  const std::int64_t k = columns_of(c, least_k);
  const Weight weight = random_weight(c.encoding, n, k, 7);
  const std::vector<float> bias = random_values(n, 9);
  Call call(m, k, n, 11);
  check_call(table, pool, c, call, weight, activation, with_bias ? bias.data() : nullptr);
}

using Linear = TestOfEveryTable;
INSTANTIATE_TEST_SUITE_P(Tables, Linear, ::testing::ValuesIn(all_table_names()), name_of_table);

TEST_P(Linear, MatchesDoublePrecision) {
  ThreadPool pool(2);
  const std::int64_t shapes[][3] = {{1, 1, 1},   {1, 16, 32},  {3, 17, 33},   {2, 40, 7},    {5, 31, 130},
                                    {4, 96, 64}, {13, 50, 96}, {29, 65, 129}, {37, 33, 611}, {12, 16, 256}};
  for (const Case& c : cases_of(table())) {
    for (const auto& s : shapes) {
      check_against_double(table(), pool, c, s[0], s[1], s[2], Activation::kNone, false);
      check_against_double(table(), pool, c, s[0], s[1], s[2], Activation::kNone, true);
    }
  }
}

// Many rows (several blocks of them), many channels, long sums.
TEST_P(Linear, MatchesDoublePrecisionOnHugeShapes) {
  ThreadPool pool(2);
  const std::int64_t shapes[][3] = {
      {1100, 33, 40}, {2, 5003, 37}, {3, 18, 20000}, {150, 5, 4000}, {40, 140, 2700}};
  for (const Case& c : cases_of(table()))
    for (const auto& s : shapes)
      check_against_double(table(), pool, c, s[0], s[1], s[2], Activation::kNone, true);
}

// The largest sums that one scale may cover: every code and every activation at its end.
TEST_P(Linear, SumsOfExtremeCodesStayExact) {
  ThreadPool pool(2);
  const std::int64_t m = 10, n = 18, k = 65536;
  std::vector<float> values = random_values(n * k, 3);
  std::fill(values.begin(), values.begin() + k, 1.0f);
  std::fill(values.begin() + k, values.begin() + 2 * k, -1.0f);
  const Weight rows = weight_from_tensor("w", Tensor::from(values, {n, k}));
  for (const char* encoding : {"int8", "int8-asym", "int4", "int4-asym", "q4_r"}) {
    const Weight weight = encode(rows, *parse_encoding(encoding));
    Call call(m, k, n, 5);
    for (std::int64_t r = 0; r < m - 1; ++r)
      std::fill(call.mutable_row(r), call.mutable_row(r) + k, r % 2 == 0 ? 2.0f : -2.0f);
    check_call(table(), pool, {Arithmetic::kInt8, encoding}, call, weight);
  }
}

// NaN and infinity give what the definition gives, and in their row or channel alone.
TEST_P(Linear, MatchesDoublePrecisionBesideNaNAndInfinity) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  ThreadPool pool(2);
  const std::int64_t n = 35, least_k = 70;
  for (const Case& c : cases_of(table()))
    for (const std::int64_t m : {7, 17}) {
      const std::int64_t k = columns_of(c, least_k);
      Weight weight = random_weight(c.encoding, n, k, 3);
      Call call(m, k, n, 5);
      call.mutable_row(1)[69] = std::nanf("");
      call.mutable_row(2)[0] = kInfinity;
      call.mutable_row(3)[7] = -kInfinity;
      call.mutable_row(4)[3] = kInfinity;
      call.mutable_row(4)[64] = -kInfinity;
      check_call(table(), pool, c, call, weight);
      const Format format = weight.encoding.format;
      if (weight.encoding.is_integer()) continue;
      const auto put = [&](std::int64_t row, std::int64_t column, float value) {
        const std::int64_t lane = row % kPanelRows, at = float_panel_index(format, lane, column);
        const PanelGeometry g = panel_geometry(weight.encoding, n, k);
        store_float(
            format, value,
            weight.codes.mutable_data() + row / kPanelRows * g.panel_code_bytes + at * float_bytes(format));
      };
      put(5, 2, std::nanf(""));
      put(16, 0, kInfinity);
      put(34, 69, -kInfinity);
      check_call(table(), pool, c, call, weight);
    }
}

// No rows, no outputs: nothing is read or written. A weight without rows or columns cannot be made.
TEST_P(Linear, TakesNothingForAnAnswer) {
  ThreadPool pool(2);
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, 33);
    const Weight weight = random_weight(c.encoding, 20, k, 3);
    float y = Call::kGuard;
    const LinearOutput output{.weight = panel_view(weight), .y = &y, .ldy = 20};
    Buffer workspace =
        Buffer::heap(linear_workspace(table(), pool.size(), c.arithmetic, {&output, 1}, 0) + 64);
    linear(table(), pool, c.arithmetic, nullptr, k, 0, {&output, 1}, workspace.mutable_data());
    linear(table(), pool, c.arithmetic, nullptr, k, 5, {}, workspace.mutable_data());
    EXPECT_EQ(y, Call::kGuard) << case_name(table(), c);
    EXPECT_THROW(panel_geometry(weight.encoding, 0, k), Error);
    EXPECT_THROW(panel_geometry(weight.encoding, 20, 0), Error);
  }
}

TEST_P(Linear, AppliesEveryActivationInTheEpilogue) {
  ThreadPool pool(2);
  for (const Case& c : {Case{Arithmetic::kF32, "f32"}, Case{Arithmetic::kBF16, "bf16"},
                        Case{Arithmetic::kInt8, "int8"}, Case{Arithmetic::kInt8, "int4-g32"}}) {
    if (!supported(table(), c)) continue;
    for (const Activation activation : kActivations)
      check_against_double(table(), pool, c, 14, 45, 70, activation, true);
  }
}

// A row gives the same bits alone, in a batch, on one thread and on two.
TEST_P(Linear, DoesNotDependOnTheBatchOrTheThreads) {
  ThreadPool one(1), two(2);
  const std::int64_t m = 37, n = 200, least_k = 600;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    const Weight weight = random_weight(c.encoding, n, k, 3);
    const LinearOutput output{.weight = panel_view(weight), .activation = Activation::kGelu};
    Call whole(m, k, n, 5), again(m, k, n, 5);
    whole.run(table(), one, c.arithmetic, {output});
    again.run(table(), two, c.arithmetic, {output});
    ASSERT_EQ(whole.y, again.y) << case_name(table(), c) << ": one thread and two";
    for (const std::int64_t count : {1, 2, 3, 5, 12, 13}) {
      Call part(count, k, n, 5);
      part.run(table(), two, c.arithmetic, {output});
      for (std::int64_t r = 0; r < count; ++r)
        for (std::int64_t j = 0; j < n; ++j)
          ASSERT_EQ(part.at(r, j), whole.at(r, j))
              << case_name(table(), c) << ": row " << r << " of " << count << " rows, channel " << j;
    }
  }
}

// Sums of integers are exact and every vector table adds the groups in one order: so all give the same bits.
TEST_P(Linear, IntegerProductsAreThoseOfAVX2) {
  if (table().isa == "scalar") GTEST_SKIP() << "the scalar table rounds each product before it adds";
  if (!missing_for("avx2").empty()) GTEST_SKIP() << "this processor lacks " << missing_for("avx2");
  ThreadPool pool(2);
  const std::int64_t n = 75, least_k = 1100;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    if (c.arithmetic != Arithmetic::kInt8) continue;
    const Weight weight = random_weight(c.encoding, n, k, 3);
    const std::vector<float> bias = random_values(n, 4);
    for (const std::int64_t m : {1, 2, 7, 35}) {
      Call expected(m, k, n, 5), call(m, k, n, 5);
      expected.run(table_for("avx2"), pool, c.arithmetic,
                   {{.weight = panel_view(weight), .bias = bias.data()}});
      call.run(table(), pool, c.arithmetic, {{.weight = panel_view(weight), .bias = bias.data()}});
      for (std::int64_t r = 0; r < m; ++r)
        for (std::int64_t j = 0; j < n; ++j)
          ASSERT_EQ(call.at(r, j), expected.at(r, j))
              << case_name(table(), c) << ": row " << r << " of " << m << " rows, channel " << j;
    }
  }
}

// The model of the tile registers is what the processor does.
TEST(AmxModel, GivesTheBitsOfTheProcessor) {
  if (!missing_for("amx").empty()) GTEST_SKIP() << "this processor lacks " << missing_for("amx");
  const KernelTable& amx = table_for("amx");
  const std::vector<ModelledTable> modelled = modelled_tables();
  const KernelTable& model = *std::find_if(modelled.begin(), modelled.end(), [](const ModelledTable& table) {
                                return table.name == "amx_model";
                              })->table;
  ThreadPool pool(2);
  const std::int64_t m = 45, n = 75;
  for (const Case& c : cases_of(model)) {
    const std::int64_t k = columns_of(c, 1100);
    const Weight weight = random_weight(c.encoding, n, k, 3);
    Call expected(m, k, n, 5), call(m, k, n, 5);
    expected.run(model, pool, c.arithmetic, {{.weight = panel_view(weight)}});
    call.run(amx, pool, c.arithmetic, {{.weight = panel_view(weight)}});
    ASSERT_EQ(call.y, expected.y) << case_name(amx, c);
  }
}

// One call of a path's kernels for some panels and all rows, over a preparation of the test's own.
void prepared_multiply(const LinearPath& path, Arithmetic arithmetic, const PanelView& weight, Call& call,
                       Range panels) {
  const PanelGeometry& g = weight.geometry;
  PreparedRows p{.arithmetic = arithmetic,
                 .m = call.m,
                 .k = g.k,
                 .group = g.group,
                 .padded_group = g.padded_group,
                 .groups = g.groups,
                 .padded_k = g.padded_k,
                 .columns_per_word = arithmetic == Arithmetic::kF32    ? 1
                                     : arithmetic == Arithmetic::kBF16 ? 2
                                                                       : 4};
  const int height = path.tile_rows(g.groups > 1, p.m);
  p.tiles = (p.m + height - 1) / height;
  std::vector<std::uint32_t> words(static_cast<std::size_t>(most_words(p)));
  std::vector<float> scales(static_cast<std::size_t>(p.m));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(p.m * p.groups));
  Buffer scratch = Buffer::heap(static_cast<std::size_t>(path.scratch == nullptr ? 0 : path.scratch(weight)));
  p.scratch = scratch.mutable_data();
  p.words = words.data();
  p.scales = scales.data();
  p.sums = sums.data();
  path.prepare(p, call.row(0), call.ldx, {0, p.tiles});
  path.multiply(p, {.weight = weight, .y = call.y.data() + 1, .ldy = call.ldy}, {0, p.tiles}, panels);
}
// A call that computes some panels leaves the neighbours alone, whatever it reads ahead: what one unit of
// work wrote must survive a later unit.
TEST_P(Linear, WritesNoChannelTwice) {
  const std::int64_t n = 16 * 7 + 3, least_k = 64;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    const LinearKernels& kernels = *table().linear;
    const Encoding encoding = *parse_encoding(c.encoding);
    const bool row_blocks = encoding.format == Format::kQ4R && kernels.row_blocks != nullptr;
    const LinearPath& path = c.arithmetic == Arithmetic::kF32    ? *kernels.f32
                             : c.arithmetic == Arithmetic::kBF16 ? *kernels.bf16
                             : row_blocks                        ? *kernels.row_blocks
                             : encoding.has_blocks()             ? *kernels.blocks
                                                                 : *kernels.int8;
    const Weight weight = random_weight(c.encoding, n, k, 3);
    for (const std::int64_t m : {1, 2, 3, 4, 6, 7}) {
      Call call(m, k, n, 5);
      prepared_multiply(path, c.arithmetic, panel_view(weight), call, {2, 5});
      for (std::int64_t r = 0; r < m; ++r)
        for (std::int64_t j = 0; j < call.ldy; ++j)
          ASSERT_EQ(call.at(r, j) == Call::kGuard, j < 32 || j >= 80)
              << case_name(table(), c) << " of " << m << " rows, channel " << j;
    }
  }
}

// A product times another gives the bits of the two and a gate, however the rows and channels are cut.
TEST_P(Linear, AFactorEqualsAGateOfTwoProducts) {
  if (table().rows.gate == nullptr) GTEST_SKIP() << "a modelled table has no kernels for rows";
  ThreadPool one(1), two(2);
  const std::int64_t n = 150;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, 70);
    const Weight w = random_weight(c.encoding, n, k, 3), v = random_weight(c.encoding, n, k, 4);
    const std::vector<float> bias = random_values(n, 6);
    const LinearOutput up{.weight = panel_view(v), .bias = bias.data()};
    for (const std::int64_t m : {1, 4, 5, 70}) {
      Call gate(m, k, n, 5), factor(m, k, n, 5), alone(m, k, n, 5), shared(m, k, n, 5);
      gate.run(table(), two, c.arithmetic, {{.weight = panel_view(w)}});
      factor.run(table(), two, c.arithmetic, {up});
      table().rows.gate(Activation::kSilu, gate.y.data() + 1, gate.ldy, factor.y.data() + 1, factor.ldy,
                        gate.y.data() + 1, gate.ldy, m, n);
      const LinearOutput gated{.weight = panel_view(w), .activation = Activation::kSilu, .factor = &up};
      alone.run(table(), one, c.arithmetic, {gated});
      shared.run(table(), two, c.arithmetic, {gated});
      ASSERT_EQ(alone.y, gate.y) << case_name(table(), c) << " of " << m << " rows";
      ASSERT_EQ(shared.y, gate.y) << case_name(table(), c) << " of " << m << " rows, two threads";
    }
  }
}

// Merged linears: different sizes, encodings and groups over one x, each as if alone.
void check_merged(const KernelTable& table, std::int64_t k, const std::vector<Weight>& weights) {
  ThreadPool pool(2);
  const std::int64_t m = 9;
  std::vector<LinearOutput> merged;
  std::vector<std::vector<float>> results;
  for (const Weight& w : weights) {
    merged.push_back({.weight = panel_view(w)});
    results.emplace_back(static_cast<std::size_t>(m * w.shape[0]));
  }
  for (std::size_t i = 0; i < merged.size(); ++i) {
    merged[i].y = results[i].data();
    merged[i].ldy = merged[i].weight.geometry.n;
  }
  Call call(m, k, 64, 6);
  Buffer workspace = Buffer::heap(linear_workspace(table, pool.size(), Arithmetic::kInt8, merged, m));
  linear(table, pool, Arithmetic::kInt8, call.row(0), call.ldx, m, merged, workspace.mutable_data());
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const std::int64_t n = merged[i].weight.geometry.n;
    Call alone(m, k, n, 6);
    std::copy(call.x.begin(), call.x.end(), alone.x.begin());
    alone.run(table, pool, Arithmetic::kInt8, {{.weight = merged[i].weight}});
    for (std::int64_t r = 0; r < m; ++r)
      for (std::int64_t j = 0; j < n; ++j)
        ASSERT_EQ(results[i][static_cast<std::size_t>(r * n + j)], alone.at(r, j)) << table.isa << " " << i;
  }
}

TEST_P(Linear, MergedOutputsEqualSeparateOnes) {
  check_merged(table(), 100,
               {random_weight("int8", 33, 100, 1), random_weight("int4-g20-asym", 64, 100, 2),
                random_weight("int8", 5, 100, 3), random_weight("int4-g32", 17, 100, 4)});
  if (!supported(table(), {Arithmetic::kInt8, "q4_k"})) return;
  // Of block formats and others with the same groups, which may be prepared in another order.
  check_merged(table(), 512,
               {random_weight("int8-g32", 33, 512, 1), random_weight("q4_k", 64, 512, 2),
                random_weight("q6_k", 5, 512, 3), random_weight("int4-g32", 17, 512, 4),
                random_weight("q5_0", 17, 512, 5), random_weight("int8-g16", 17, 512, 6)});
}

// The same bytes in memory that ends where the weight ends, as at the end of a mapped file: a kernel that
// reads further is caught by the address sanitizer.
Buffer exactly(const Buffer& buffer) {
  auto bytes = std::make_shared<std::vector<std::byte>>(buffer.bytes().begin(), buffer.bytes().end());
  return Buffer::borrowed(bytes, bytes->data(), bytes->size());
}

TEST_P(Linear, ReadsNothingBeyondTheWeight) {
  ThreadPool pool(2);
  const std::int64_t n = 37, least_k = 50;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    const Weight weight = random_weight(c.encoding, n, k, 3);
    Weight tight = weight;
    tight.codes = exactly(weight.codes);
    tight.scales = exactly(weight.scales);
    tight.zero_points = exactly(weight.zero_points);
    for (const std::int64_t m : {1, 3, 8}) {
      Call expected(m, k, n, 5), call(m, k, n, 5);
      expected.run(table(), pool, c.arithmetic, {{.weight = panel_view(weight)}});
      call.run(table(), pool, c.arithmetic, {{.weight = panel_view(tight)}});
      ASSERT_EQ(call.y, expected.y) << case_name(table(), c);
    }
  }
}

// The same bytes at an address that is a multiple of `step` and of nothing larger.
Buffer shifted(const Buffer& buffer, std::size_t step) {
  if (buffer.size() == 0) return buffer;
  auto bytes = std::make_shared<Buffer>(Buffer::heap(buffer.size() + step));
  std::copy_n(buffer.data(), buffer.size(), bytes->mutable_data() + step);
  return Buffer::borrowed(bytes, bytes->data() + step, buffer.size());
}

// Every pointer misaligned: weights as they may lie in a foreign file, bias and y anywhere.
TEST_P(Linear, TakesMisalignedPointers) {
  ThreadPool pool(2);
  const std::int64_t n = 37, least_k = 150;
  const std::vector<float> bias = random_values(n + 1, 4);
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    const Weight weight = random_weight(c.encoding, n, k, 3);
    Weight moved = weight;
    const PanelGeometry g = panel_geometry(weight.encoding, n, k);
    moved.codes =
        shifted(weight.codes,
                weight.encoding.is_integer() ? 1 : static_cast<std::size_t>(weight.encoding.bits() / 8));
    moved.scales = shifted(weight.scales, static_cast<std::size_t>(std::max<std::int64_t>(g.scale_bytes, 1)));
    moved.zero_points = shifted(weight.zero_points, 1);
    for (const std::int64_t m : {1, 3, 8, 21}) {
      Call expected(m, k, n, 5), call(m, k, n, 5);
      expected.run(table(), pool, c.arithmetic, {{.weight = panel_view(weight), .bias = bias.data() + 1}});
      const std::vector<float> bias_elsewhere(bias.begin() + 1, bias.end());
      call.run(table(), pool, c.arithmetic, {{.weight = panel_view(moved), .bias = bias_elsewhere.data()}});
      ASSERT_EQ(call.y, expected.y) << case_name(table(), c);
    }
  }
}

// Rows of a weight that shares its panels give the channels of the whole.
TEST_P(Linear, SlicesGiveTheirChannels) {
  ThreadPool pool(2);
  const std::int64_t m = 5, n = 100, least_k = 96;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    const Weight weight = random_weight(c.encoding, n, k, 3);
    Call whole(m, k, n, 5);
    whole.run(table(), pool, c.arithmetic, {{.weight = panel_view(weight)}});
    for (const auto& [begin, end] : {std::pair{16, 100}, {32, 55}, {64, 65}}) {
      const Weight part = slice_rows(weight, begin, end);
      Call call(m, k, end - begin, 5);
      std::copy(whole.x.begin(), whole.x.end(), call.x.begin());
      call.run(table(), pool, c.arithmetic, {{.weight = panel_view(part)}});
      for (std::int64_t r = 0; r < m; ++r)
        for (std::int64_t j = begin; j < end; ++j)
          ASSERT_EQ(call.at(r, j - begin), whole.at(r, j)) << case_name(table(), c) << " channel " << j;
    }
  }
}

// Zero rows give the bias; NaN and infinity stay in their row; tiny and huge rows stay finite.
TEST_P(Linear, SurvivesUnusualRows) {
  ThreadPool pool(2);
  const std::int64_t m = 17, n = 35, least_k = 70;
  for (const Case& c : cases_of(table())) {
    const std::int64_t k = columns_of(c, least_k);
    const Weight weight = random_weight(c.encoding, n, k, 3);
    const std::vector<float> bias = random_values(n, 4);
    const std::vector<LinearOutput> output{{.weight = panel_view(weight), .bias = bias.data()}};
    Call plain(m, k, n, 5), odd(m, k, n, 5);
    plain.run(table(), pool, c.arithmetic, output);
    std::fill(odd.mutable_row(2), odd.mutable_row(2) + k, 0.0f);
    odd.mutable_row(3)[69] = std::nanf("");
    odd.mutable_row(4)[0] = std::numeric_limits<float>::infinity();
    std::fill(odd.mutable_row(5), odd.mutable_row(5) + k, 1e-40f);
    std::fill(odd.mutable_row(6), odd.mutable_row(6) + k, 1e36f);
    odd.run(table(), pool, c.arithmetic, output);
    for (std::int64_t j = 0; j < n; ++j) {
      EXPECT_EQ(odd.at(2, j), bias[static_cast<std::size_t>(j)]) << case_name(table(), c);
      EXPECT_TRUE(std::isnan(odd.at(3, j))) << case_name(table(), c);
      EXPECT_FALSE(std::isfinite(odd.at(4, j))) << case_name(table(), c);
      EXPECT_NEAR(odd.at(5, j), bias[static_cast<std::size_t>(j)], 1e-30) << case_name(table(), c);
      EXPECT_TRUE(std::isfinite(odd.at(6, j))) << case_name(table(), c);
      for (std::int64_t r = 0; r < m; ++r)
        if (r < 2 || r > 6) {
          ASSERT_EQ(odd.at(r, j), plain.at(r, j)) << case_name(table(), c) << " row " << r;
        }
    }
  }
}

}  // namespace
}  // namespace swiftlet::kernels
