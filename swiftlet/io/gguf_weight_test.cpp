#include "swiftlet/io/gguf_weight.h"

#include <gmock/gmock.h>

#include <cmath>

#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/test_blocks.h"
#include "swiftlet/io/gguf_testing.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {
namespace {

using testing::bytes_of;
using testing::GgufBytes;
using ::testing::HasSubstr;
using testing::message_of;
using testing::raw;

std::string half(float value) {
  return raw(f32_to_f16(value));
}

// A block of Q8_0 that counts up from `first`.
std::string q8_0(float scale, int first) {
  std::string block = half(scale);
  for (int i = 0; i < 32; ++i) block += static_cast<char>(first + i);
  return block;
}

GgufRowOrder neighbours(std::int64_t heads) {
  return {.kind = GgufRowOrder::Kind::kNeighbours, .heads = heads};
}

Weight weight_of(const GgufFile& file, const GgufWeightOptions& options = {}) {
  return make_gguf_weight(file, file.tensors().front(), "w", options);
}

std::vector<float> expected(const GgufFile& file) {
  const GgufTensor& tensor = file.tensors().front();
  const Buffer bytes = file.bytes(tensor);
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
  for (std::size_t i = 0; i * static_cast<std::size_t>(tensor.type->bytes) < bytes.size(); ++i)
    tensor.type->decode(bytes.data() + i * static_cast<std::size_t>(tensor.type->bytes),
                        values.data() + i * static_cast<std::size_t>(tensor.type->block));
  return values;
}

// 18 rows, so that the last panel is filled up, of two blocks.
GgufFile q8_0_matrix() {
  std::string data;
  for (int row = 0; row < 18; ++row) data += q8_0(0.5f + static_cast<float>(row), -40) + q8_0(0.001f, row);
  return GgufBytes().tensor("t", {64, 18}, 8, data).file();
}

TEST(GgufWeight, Q8_0IsInt8WithTheSameValues) {
  const GgufFile file = q8_0_matrix();
  const Weight weight = weight_of(file);
  EXPECT_EQ(to_string(weight.encoding), "int8-g32");
  EXPECT_EQ(weight.layout, Layout::kPanels);
  EXPECT_EQ(weight.arithmetic, Arithmetic::kInt8);
  EXPECT_EQ(decode(weight), expected(file));
  check_weight(weight);
}

TEST(GgufWeight, ThreadsGiveTheSameBytes) {
  const GgufFile file = q8_0_matrix();
  ThreadPool pool(3);
  const Weight one = weight_of(file), many = weight_of(file, {.pool = &pool});
  EXPECT_EQ(std::memcmp(one.codes.data(), many.codes.data(), one.codes.size()), 0);
  EXPECT_EQ(std::memcmp(one.scales.data(), many.scales.data(), one.scales.size()), 0);
}

TEST(GgufWeight, Q4_0IsInt4WithTheSameValues) {
  std::string block = half(-0.25f);
  for (int i = 0; i < 16; ++i) block += static_cast<char>(i | (15 - i) << 4);  // every code twice
  const GgufFile file = GgufBytes().tensor("t", {32, 2}, 2, block + half(3) + block.substr(2)).file();
  const Weight weight = weight_of(file);
  EXPECT_EQ(to_string(weight.encoding), "int4-g32");
  EXPECT_EQ(decode(weight), expected(file));
  EXPECT_EQ(weight.bytes(), 16 * (16 + 2));  // as many bytes a row as in the file
}

TEST(GgufWeight, NeighboursGoToHalves) {
  std::string data;
  for (int row = 0; row < 8; ++row) data += q8_0(1, row);
  const GgufFile file = GgufBytes().tensor("t", {32, 8}, 8, data).file();
  const std::vector<float> values = decode(weight_of(file, {.order = neighbours(2)}));
  std::vector<float> firsts;
  for (std::size_t row = 0; row < 8; ++row) firsts.push_back(values[row * 32]);
  EXPECT_THAT(firsts, ::testing::ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  const GgufFile floats =
      GgufBytes().tensor("t", {1, 8}, 0, bytes_of<float>({0, 1, 2, 3, 4, 5, 6, 7})).file();
  EXPECT_THAT(decode(weight_of(floats, {.order = neighbours(2)})),
              ::testing::ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  const GgufFile vector = GgufBytes().tensor("t", {4}, 0, bytes_of<float>({0, 1, 2, 3})).file();
  EXPECT_THAT(decode(weight_of(vector, {.order = neighbours(1)})), ::testing::ElementsAre(0, 2, 1, 3));
}

TEST(GgufWeight, FloatsAreAWindowOfTheFile) {
  const GgufFile file = GgufBytes().tensor("t", {2, 2}, 1, bytes_of<std::uint16_t>({0, 1, 2, 3})).file();
  const Weight weight = weight_of(file);
  EXPECT_EQ(weight.codes.data(), file.bytes(file.tensors().front()).data());
  EXPECT_EQ(weight.encoding.format, Format::kF16);
  EXPECT_EQ(weight.arithmetic, Arithmetic::kF32);
}

TEST(GgufWeight, AddsToVectors) {
  const GgufFile file = GgufBytes().tensor("t", {3}, 0, bytes_of<float>({1, 2.5f, 0})).file();
  EXPECT_THAT(decode(weight_of(file, {.added = -1})), ::testing::ElementsAre(0, 1.5f, -1));
}

TEST(GgufWeight, BlocksOfAVectorBecomeFloats) {
  const GgufFile file = GgufBytes().tensor("t", {32}, 8, q8_0(0.5f, -16)).file();
  const Weight weight = weight_of(file);
  EXPECT_EQ(to_string(weight.encoding), "f32");
  EXPECT_EQ(decode(weight), expected(file));
}

// int8 has no code -128: such a block gets another scale, its neighbours stay as they are.
TEST(GgufWeight, TheCodeMinus128IsRoundedAndToldOf) {
  std::string lowest = q8_0(1, -20);
  lowest[2] = '\x80';
  const GgufFile file = GgufBytes().tensor("t", {64, 1}, 8, lowest + q8_0(1, 0)).file();
  ::testing::internal::CaptureStderr();
  const std::vector<float> values = decode(weight_of(file)), want = expected(file);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("test.gguf: tensor 't': 1 groups of Q8_0 cannot be stored as they are"));
  for (std::size_t i = 0; i < 32; ++i) EXPECT_NEAR(values[i], want[i], 0.51 * 128 / 127) << i;
  EXPECT_TRUE(std::equal(values.begin() + 32, values.end(), want.begin() + 32));
}

TEST(GgufWeight, AScaleThatIsNoNumberIsNamed) {
  for (const char* scale : {"\x00\x7c", "\x00\x7e"}) {  // infinity, NaN
    std::string block = q8_0(1, 1);
    block.replace(0, 2, std::string(scale, 2));
    const GgufFile file = GgufBytes().tensor("t", {32, 1}, 8, block).file();
    EXPECT_THAT(message_of([&] { weight_of(file); }),
                HasSubstr("[test.gguf: tensor 't'] expected finite values, the block holds "));
    ThreadPool pool(2);
    EXPECT_THAT(message_of([&] { weight_of(file, {.pool = &pool}); }), HasSubstr("expected finite values"));
  }
}

// Rows in another order, every bit kept; the panel of a NaN is named.
TEST(GgufWeight, BlockFormatsKeepTheirBits) {
  for (const Format format : {Format::kQ4K, Format::kQ5K, Format::kQ6K, Format::kQ50}) {
    const GgmlType& type = test::ggml_type_of(format);
    SCOPED_TRACE(type.name);
    const auto file_of = [&](int odd_row) {
      std::string data;
      for (int row = 0; row < 36; ++row) {
        auto block = test::random_block(type, 3, static_cast<std::uint64_t>(row));
        if (row == odd_row) block[format == Format::kQ6K ? 209 : 1] = std::byte{0x7e};
        data.append(reinterpret_cast<const char*>(block.data()), block.size());
      }
      return GgufBytes().tensor("t", {static_cast<std::uint64_t>(type.block), 36}, type.id, data).file();
    };
    const GgufFile file = file_of(-1);
    ThreadPool pool(2);
    const Weight weight = weight_of(file, {.order = neighbours(2), .pool = &pool});
    EXPECT_EQ(weight.encoding, Encoding{.format = format});
    EXPECT_EQ(weight.arithmetic, Arithmetic::kInt8);
    const std::vector<float> values = decode(weight), want = expected(file);
    for (std::int64_t row = 0; row < 36; ++row) {
      const auto in_file = static_cast<std::ptrdiff_t>(neighbours(2).in_file(row, 36) * type.block);
      EXPECT_TRUE(std::equal(want.begin() + in_file, want.begin() + in_file + type.block,
                             values.begin() + row * type.block))
          << row;
    }
    EXPECT_THAT(
        message_of([&] { weight_of(file_of(20)); }),
        HasSubstr("[test.gguf: tensor 't'] expected finite scales, those of block 0 of row 20 are not"));
  }
}

// Against the definition, for every type: exact where gguf_weight.h says so, else within half a step of 127
// of the largest of 32.
TEST(GgufWeight, EveryTypeKeepsWhatItsRowOfTheTableSays) {
  const auto golden =
      SafetensorsFile::open(std::string(SWIFTLET_SOURCE_DIR) + "/tests/data/gguf/blocks.safetensors");
  for (const GgmlType& type : ggml_types()) {
    if (type.is_float()) continue;
    SCOPED_TRACE(type.name);
    const Tensor blocks = golden.tensor(std::string(type.name) + ".blocks");
    // MXFP4: the first four have exponents that f16 cannot hold. Q8_0: the first has the code -128.
    const std::int64_t skipped = type.name == "MXFP4" ? 4 : type.name == "Q8_0" ? 1 : 0;
    const std::int64_t rows = blocks.shape()[0] - skipped;
    const std::string data(reinterpret_cast<const char*>(blocks.buffer().data()) + skipped * type.bytes,
                           static_cast<std::size_t>(rows * type.bytes));
    const GgufFile file =
        GgufBytes()
            .tensor("t", {static_cast<std::uint64_t>(type.block), static_cast<std::uint64_t>(rows)}, type.id,
                    data)
            .file();
    const GgufWeightPlan plan = plan_gguf_weight(file.tensors().front());
    const Weight weight = weight_of(file);
    EXPECT_EQ(plan.bytes, static_cast<std::uint64_t>(weight.bytes()));
    EXPECT_EQ(weight.encoding.format, type.format);
    const std::vector<float> values = decode(weight), want = expected(file);
    if (!plan.rounds) {
      EXPECT_EQ(values, want);
      continue;
    }
    double worst = 0;
    for (std::size_t group = 0; group < values.size(); group += 32) {
      float largest = 0;
      for (std::size_t i = group; i < group + 32; ++i) largest = std::max(largest, std::abs(want[i]));
      for (std::size_t i = group; i < group + 32; ++i)
        worst = std::max(worst, std::abs(values[i] - want[i]) / static_cast<double>(largest));
    }
    EXPECT_LT(worst, type.name == "IQ4_XS" ? 0x1p-11 : 0.51 / 127);
    EXPECT_GT(worst, 0);
  }
}

}  // namespace
}  // namespace swiftlet
