#include "swiftlet/encoding/weight.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/core/thread_pool.h"
#include "swiftlet/encoding/integer.h"

namespace swiftlet {
namespace {

using ::testing::HasSubstr;

std::vector<float> random_values(std::int64_t count, std::uint64_t seed, float range = 1.0f) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = range * static_cast<float>(2 * uniform(seed, 0, i) - 1);
  return values;
}

Weight rows_of(const std::vector<float>& values, std::int64_t n, std::int64_t k) {
  return weight_from_tensor("layer.weight", Tensor::from(values, {n, k}));
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

// The scale of an element as it was stored.
float stored_scale(const Weight& w, std::int64_t row, std::int64_t column) {
  const PanelGeometry g = panel_geometry(w.encoding, w.shape[0], w.shape[1]);
  const std::int64_t index = (row / 16 * g.groups + column / g.group) * 16 + row % 16;
  if (g.scale_bytes == 4) {
    float scale;
    std::memcpy(&scale, w.scales.data() + index * 4, 4);
    return scale;
  }
  std::uint16_t half;
  std::memcpy(&half, w.scales.data() + index * 2, 2);
  return f16_to_f32(half);
}

// Every value comes back within half a step, but for what clips: asymmetric encodings clip what the rounding
// of zero point and scale leaves outside, by another half; symmetric int4 clips what lies opposite to the
// largest magnitude by a step, and by another where that lessens the squared error.
void check_round_trip(const std::string& name, std::int64_t n, std::int64_t k) {
  const Encoding encoding = *parse_encoding(name);
  const std::vector<float> values = random_values(n * k, 42);
  const Weight encoded = encode(rows_of(values, n, k), encoding);
  const std::vector<float> decoded = decode(encoded);
  const float bound = encoding.asymmetric ? 1.15f : encoding.format == Format::kInt4 ? 2.05f : 0.501f;
  double total = 0;
  for (std::int64_t i = 0; i < n * k; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const float step = std::fabs(stored_scale(encoded, i / k, i % k));
    ASSERT_LE(std::fabs(decoded[at] - values[at]), bound * step)
        << name << " [" << n << ", " << k << "] element " << i << ": " << values[at];
    total += std::fabs(decoded[at] - values[at]) / (step == 0 ? 1 : step);
  }
  EXPECT_LE(total / static_cast<double>(n * k), 0.30)
      << name << ": the mean error of rounding is a quarter step";
}

TEST(Encode, RoundTripStaysWithinHalfAStep) {
  for (const char* name :
       {"int8", "int8-asym", "int8-g8", "int8-g20", "int8-g32", "int8-g37", "int8-g100-asym", "int8-g128",
        "int8-g1000", "int4", "int4-asym", "int4-g8", "int4-g20-asym", "int4-g32", "int4-g32-asym",
        "int4-g100", "int4-g128", "int4-g1000"})
    for (const auto& [n, k] : {std::pair{1, 1}, {3, 5}, {16, 32}, {17, 33}, {33, 257}, {5, 128}})
      check_round_trip(name, n, k);
}

TEST(Encode, FloatFormatsRoundToNearest) {
  const std::vector<float> values = random_values(19 * 37, 1, 100.0f);
  const Weight rows = rows_of(values, 19, 37);
  EXPECT_EQ(decode(encode(rows, {Format::kF32})), values);
  const std::vector<float> bf16 = decode(encode(rows, {Format::kBF16})),
                           f16 = decode(encode(rows, {Format::kF16}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(bf16[i], bf16_to_f32(f32_to_bf16(values[i])));
    EXPECT_EQ(f16[i], f16_to_f32(f32_to_f16(values[i])));
  }
}

// The packed bytes of a small matrix, by hand.
TEST(Encode, Int8LiesInPanelsOfFourColumns) {
  // Row 0 is 1, 2, ..., 127 / 1: scale 1 after scaling by its largest, row 1 its negative.
  std::vector<float> values(2 * 8, 0.0f);
  for (int c = 0; c < 8; ++c) {
    values[static_cast<std::size_t>(c)] = static_cast<float>(c == 7 ? 127 : c);
    values[static_cast<std::size_t>(8 + c)] = static_cast<float>(c == 7 ? -127 : -c);
  }
  const Weight w = encode(rows_of(values, 2, 8), {Format::kInt8});
  const auto* codes = reinterpret_cast<const std::uint8_t*>(w.codes.data());
  EXPECT_EQ(std::vector<int>(codes, codes + 8), (std::vector<int>{128, 129, 130, 131, 128, 127, 126, 125}));
  EXPECT_EQ(std::vector<int>(codes + 64, codes + 72),
            (std::vector<int>{132, 133, 134, 255, 124, 123, 122, 1}));
  EXPECT_EQ(stored_scale(w, 0, 0), 1.0f);
}

// The squared error of codes within [-steps, steps - 1] under a scale.
double squared_error(const std::vector<float>& values, double scale, int steps) {
  double total = 0;
  for (const float value : values) {
    const double code = std::clamp(std::nearbyint(value / scale), -1.0 * steps, steps - 1.0);
    total += (value - code * scale) * (value - code * scale);
  }
  return total;
}

TEST(LeastSquaresScale, IsNearTheBestOfAll) {
  double searched = 0, by_extreme = 0, best_of_all = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    for (const int steps : {8, 16})
      for (const std::int64_t count : {32, 37, 128}) {
        const std::vector<float> values = random_values(count, seed, 3.0f);
        const float scale = least_squares_scale(values.data(), count, steps);
        const auto extreme = *std::max_element(values.begin(), values.end(),
                                               [](float a, float b) { return std::fabs(a) < std::fabs(b); });
        double best = squared_error(values, -extreme / steps, steps);
        by_extreme += best;
        for (double size = 0.6; size < 1.3; size += 0.001)
          for (const double sign : {-1, 1})
            best = std::min(best, squared_error(values, sign * size * extreme / steps, steps));
        const double error = squared_error(values, scale, steps);
        EXPECT_LE(error, 1.7 * best) << seed << " " << steps << " " << count;
        searched += error;
        best_of_all += best;
      }
  EXPECT_LE(searched, 1.06 * best_of_all);
  EXPECT_LE(searched, 0.95 * by_extreme);
}

TEST(LeastSquaresScale, KeepsWhatCodesHoldExactly) {
  EXPECT_EQ(least_squares_scale(std::vector<float>{0, 0, 0}.data(), 3, 8), 0.0f);
  EXPECT_EQ(least_squares_scale(std::vector<float>{-8, 3, 7, 0}.data(), 4, 8), 1.0f);
  EXPECT_EQ(least_squares_scale(std::vector<float>{1e30f, 0, -5e29f}.data(), 3, 8), -1e30f / 8);
  EXPECT_EQ(least_squares_scale(std::vector<float>{1e-30f, 0}.data(), 2, 8), -1e-30f / 8);
}

// Codes of five bits under one scale, which the reader of GGUF's blocks gives back.
TEST(Encode, Q50RoundsWithinHalfAStep) {
  const std::vector<float> values = random_values(19 * 96, 3);
  const Weight encoded = encode(rows_of(values, 19, 96), {Format::kQ50});
  const std::vector<float> decoded = decode(encoded);
  for (std::size_t group = 0; group < values.size(); group += 32) {
    const std::vector<float> own(values.begin() + static_cast<std::ptrdiff_t>(group),
                                 values.begin() + static_cast<std::ptrdiff_t>(group + 32));
    const double scale = f16_to_f32(f32_to_f16(least_squares_scale(own.data(), 32, 16)));
    double total = 0;
    for (std::size_t i = group; i < group + 32; ++i) {
      EXPECT_LE(std::fabs(decoded[i] - values[i]), 2.05 * std::fabs(scale));
      total += std::pow(decoded[i] - values[i], 2);
    }
    EXPECT_NEAR(total, squared_error(own, scale, 16), 1e-4 * total);
  }
  EXPECT_EQ(decode(encode(rows_of(std::vector<float>(32, 0.0f), 1, 32), {Format::kQ50})),
            std::vector<float>(32, 0.0f));
  EXPECT_THROW(encode(rows_of(random_values(40, 1), 1, 40), {Format::kQ50}), Error);
  EXPECT_THROW(encode(rows_of(std::vector<float>(32, 1e10f), 1, 32), {Format::kQ50}), Error);
}

TEST(Encode, Int4LiesInNibbles) {
  std::vector<float> values{-8, 1, 2, 3, 4, 5, 6, 7};
  const Weight w = encode(rows_of(values, 1, 8), {Format::kInt4});
  const auto* codes = reinterpret_cast<const std::uint8_t*>(w.codes.data());
  EXPECT_EQ(std::vector<int>(codes, codes + 4), (std::vector<int>{0xc0, 0xd9, 0xea, 0xfb}));
  EXPECT_EQ(decode(w), values);
}

TEST(Encode, SymmetricInt4GivesTheLargestMagnitudeTheLowestCode) {
  const Weight w = encode(rows_of({8, -3, 1, 0}, 1, 4), {Format::kInt4});
  EXPECT_EQ(stored_scale(w, 0, 0), -1.0f);
  EXPECT_EQ(decode(w), (std::vector<float>{8, -3, 1, 0}));
}

TEST(Encode, AsymmetricKeepsZeroExact) {
  std::vector<float> values{0.0f, 0.7f, 0.9f, -0.1f, 0.0f, 0.35f, 0.2f, 0.11f};
  for (const char* name : {"int8-asym", "int4-asym", "int4-g4-asym"}) {
    const std::vector<float> decoded = decode(encode(rows_of(values, 1, 8), *parse_encoding(name)));
    EXPECT_EQ(decoded[0], 0.0f) << name;
    EXPECT_EQ(decoded[4], 0.0f) << name;
  }
  // Values of one sign keep the full range: the zero point lies at an end.
  const std::vector<float> high = decode(encode(rows_of({1, 2, 3, 4}, 1, 4), *parse_encoding("int4-asym")));
  EXPECT_NEAR(high[3], 4.0f, 1e-6);
}

TEST(Encode, ZeroRowsAndGroupsHaveScaleZero) {
  std::vector<float> values(3 * 40, 0.0f);
  values[45] = 3.0f;
  for (const char* name : {"int8", "int4", "int8-g8", "int4-g8", "int8-asym", "int4-g8-asym"}) {
    const Weight w = encode(rows_of(values, 3, 40), *parse_encoding(name));
    EXPECT_EQ(stored_scale(w, 0, 0), 0.0f) << name;
    const std::vector<float> decoded = decode(w);
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(decoded[i], values[i], 3e-3) << name << " " << i;
  }
}

// Scales below the smallest f16 and subnormal ones are chosen anew, so that nothing is clipped.
TEST(Encode, TinyValuesKeepAScale) {
  for (const float magnitude : {1e-9f, 1e-7f, 7e-6f, 1.9e-5f, 1e-4f})
    for (const char* name : {"int8-g8", "int4-g8", "int8-g8-asym"}) {
      const std::vector<float> values = random_values(64, 5, magnitude);
      const Weight w = encode(rows_of(values, 8, 8), *parse_encoding(name));
      const std::vector<float> decoded = decode(w);
      for (std::size_t i = 0; i < 64; ++i) {
        const float step = std::fabs(stored_scale(w, static_cast<std::int64_t>(i / 8), 0));
        EXPECT_GT(step, 0.0f);
        EXPECT_LE(std::fabs(decoded[i] - values[i]), 1.51f * step) << name << " " << magnitude;
      }
    }
  EXPECT_EQ(decode(encode(rows_of({1e-45f, -1e-45f}, 1, 2), {Format::kInt8})).size(), 2u);
}

TEST(Encode, RefusesAScaleBeyondF16) {
  EXPECT_THAT(message_of([] {
                encode(rows_of({1e8f, 0, 0, 0}, 1, 4), {Format::kInt8, 4, false});
              }),
              HasSubstr("[layer.weight] values as large as 1e+08"));
  EXPECT_NEAR(decode(encode(rows_of({1e8f, 0, 0, 0}, 1, 4), {Format::kInt8}))[0], 1e8f, 10);
}

TEST(Encode, NamesWhatIsNotFinite) {
  std::vector<float> values(6, 1.0f);
  values[4] = std::numeric_limits<float>::quiet_NaN();
  for (const char* name : {"int8", "int4-g32", "f32", "bf16"})
    EXPECT_THAT(message_of([&] { encode(rows_of(values, 2, 3), *parse_encoding(name)); }),
                HasSubstr("[layer.weight] expected finite values, row 1 column 1"))
        << name;
  values[4] = 1e6f;
  EXPECT_THAT(message_of([&] { encode(rows_of(values, 2, 3), {Format::kF16}); }),
              HasSubstr("row 1 column 1 is 1000000, beyond the range of f16"));
}

TEST(Encode, GivesTheSameOnThreads) {
  ThreadPool pool(3);
  const std::int64_t n = 16 * 37 + 5, k = 96;
  std::vector<float> values = random_values(n * k, 11);
  for (const char* name :
       {"f32", "f16", "bf16", "int8", "int8-g32", "int4-g32", "int4-g32-asym", "q5_0", "q4_r"}) {
    const Weight rows = rows_of(values, n, k);
    const Weight alone = encode(rows, *parse_encoding(name)),
                 together = encode(rows, *parse_encoding(name), &pool);
    const auto same = [](const Buffer& a, const Buffer& b) {
      return a.size() == b.size() && std::equal(a.data(), a.data() + a.size(), b.data());
    };
    EXPECT_TRUE(same(alone.codes, together.codes) && same(alone.scales, together.scales) &&
                same(alone.zero_points, together.zero_points))
        << name;
  }
  for (const std::int64_t row : {std::int64_t{40}, std::int64_t{300}, n - 1})
    values[static_cast<std::size_t>(row * k + 2)] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(message_of([&] { encode(rows_of(values, n, k), {Format::kInt8}, &pool); }),
              HasSubstr("row 40 column 2"));
}

TEST(Encode, ReadsEncodedWeights) {
  const Weight int4 = encode(rows_of(random_values(20 * 50, 3), 20, 50), *parse_encoding("int4-g32"));
  const Weight again = encode(int4, {Format::kF32});
  EXPECT_EQ(decode(again), decode(int4));
}

template <class Element>
void check_pack(DType dtype, std::int64_t n, std::int64_t k) {
  Tensor tensor = Tensor::zeros(dtype, {n, k});
  auto* elements = tensor.mutable_data<Element>();
  for (std::int64_t i = 0; i < n * k; ++i)
    elements[i] =
        static_cast<Element>(static_cast<std::uint64_t>(i) * 2654435761u);  // any bits, NaN among them
  const Weight rows = weight_from_tensor("w", tensor);
  const Weight packed = pack(rows);
  EXPECT_EQ(packed.layout, Layout::kPanels);
  EXPECT_EQ(static_cast<std::int64_t>(packed.codes.size()), panel_geometry(rows.encoding, n, k).code_bytes());
  const Weight back = unpack(packed);
  EXPECT_EQ(back.layout, Layout::kRows);
  EXPECT_EQ(std::memcmp(back.codes.data(), rows.codes.data(), tensor.bytes()), 0) << n << " x " << k;
  EXPECT_EQ(pack(packed).codes.data(), packed.codes.data()) << "packing twice copies nothing";
  EXPECT_EQ(unpack(rows).codes.data(), rows.codes.data());
  std::vector<float> from_rows(static_cast<std::size_t>(k)), from_panels(static_cast<std::size_t>(k));
  for (std::int64_t r = 0; r < n; ++r) {
    decode_row(rows, r, from_rows.data());
    decode_row(packed, r, from_panels.data());
    EXPECT_EQ(std::memcmp(from_rows.data(), from_panels.data(), from_rows.size() * 4), 0);
  }
}

TEST(Pack, CopiesBitByBit) {
  for (const auto& [n, k] : {std::pair{1, 1}, {16, 2}, {17, 3}, {31, 129}, {48, 64}}) {
    check_pack<std::uint32_t>(DType::kF32, n, k);
    check_pack<std::uint16_t>(DType::kF16, n, k);
    check_pack<std::uint16_t>(DType::kBF16, n, k);
  }
}

TEST(SliceRows, SharesTheBufferAndDecodesAlike) {
  const std::int64_t n = 70, k = 45;
  const Weight rows = rows_of(random_values(n * k, 8), n, k);
  std::vector<Weight> weights{rows, pack(rows)};
  for (const char* name : {"int8", "int8-g20-asym", "int4-g32", "int4-asym"})
    weights.push_back(encode(rows, *parse_encoding(name)));
  for (const Weight& w : weights) {
    const std::vector<float> whole = decode(w);
    for (const auto& [begin, end] : {std::pair{0, 70}, {16, 70}, {32, 33}, {48, 64}}) {
      const Weight part = slice_rows(w, begin, end);
      EXPECT_GE(part.codes.data(), w.codes.data());
      EXPECT_LE(part.codes.data() + part.codes.size(), w.codes.data() + w.codes.size()) << "no copy";
      EXPECT_EQ(decode(part), std::vector<float>(whole.begin() + begin * k, whole.begin() + end * k));
    }
    EXPECT_THROW(slice_rows(w, 16, 71), Error);
    EXPECT_THROW(slice_rows(w, 16, 16), Error);
  }
  EXPECT_THROW(slice_rows(weights[1], 8, 20), Error) << "panels are cut at multiples of 16";
  EXPECT_EQ(decode(slice_rows(rows, 3, 5)).size(), static_cast<std::size_t>(2 * k));
}

TEST(Weight, VectorsStayAsTheyAre) {
  const Weight bias = weight_from_tensor("bias", Tensor::from(std::vector<float>{1, 2, 3}, {3}));
  EXPECT_EQ(decode(bias), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(decode(slice_rows(bias, 1, 3)), (std::vector<float>{2, 3}));
  EXPECT_THROW(pack(bias), Error);
  EXPECT_THROW(encode(bias, {Format::kInt8}), Error);
}

TEST(Weight, ChecksEverySize) {
  const Weight good = encode(rows_of(random_values(40 * 40, 8), 40, 40), *parse_encoding("int4-g32-asym"));
  const auto shortened = [&](Buffer Weight::*which) {
    Weight bad = good;
    bad.*which = (good.*which).slice(0, (good.*which).size() - 1);
    return message_of([&] { decode(bad); });
  };
  EXPECT_THAT(shortened(&Weight::codes), HasSubstr("[layer.weight] codes of int4-g32-asym [40, 40] need"));
  EXPECT_THAT(shortened(&Weight::scales), HasSubstr("scales of int4-g32-asym"));
  EXPECT_THAT(shortened(&Weight::zero_points), HasSubstr("zero points of int4-g32-asym"));
  Weight in_rows = good;
  in_rows.layout = Layout::kRows;
  EXPECT_THROW(decode(in_rows), Error);
  EXPECT_THROW(unpack(good), Error);
  std::vector<float> row(40);
  EXPECT_THROW(decode_row(good, 40, row.data()), Error);
  EXPECT_THROW(weight_from_tensor("w", Tensor::zeros(DType::kI32, {2, 2})), Error);
}

// The parts that other methods of choosing codes use.
TEST(IntegerWeightBuilder, LaysOutChosenCodes) {
  const Encoding encoding = *parse_encoding("int4-g8-asym");
  IntegerWeightBuilder builder("w", encoding, 18, 20);
  for (std::int64_t r = 0; r < 18; ++r)
    for (std::int64_t g = 0; g < 3; ++g) {
      const GroupScale scale{0.5f * static_cast<float>(g + 1), static_cast<int>(r % 16)};
      builder.set_group(r, g, scale);
      for (std::int64_t c = g * 8; c < std::min<std::int64_t>(g * 8 + 8, 20); ++c)
        builder.set_code(r, c, static_cast<int>((r + c) % 16));
    }
  const std::vector<float> decoded = decode(std::move(builder).finish());
  for (std::int64_t r = 0; r < 18; ++r)
    for (std::int64_t c = 0; c < 20; ++c)
      EXPECT_EQ(decoded[static_cast<std::size_t>(r * 20 + c)],
                static_cast<float>((r + c) % 16 - r % 16) * 0.5f * static_cast<float>(c / 8 + 1));
}

}  // namespace
}  // namespace swiftlet
