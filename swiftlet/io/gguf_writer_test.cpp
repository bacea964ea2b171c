// The container by its own reader, and every encoding through blocks and back.
#include "swiftlet/io/gguf_writer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "swiftlet/core/rng.h"
#include "swiftlet/encoding/test_blocks.h"
#include "swiftlet/io/gguf_encode.h"
#include "swiftlet/io/gguf_weight.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using ::testing::ElementsAre;

GgufMetadata every_kind() {
  GgufMetadata metadata;
  metadata.text("general.architecture", "llama");
  metadata.u32("a.u32", 4'000'000'000);
  metadata.f32("a.f32", 0.25);
  metadata.boolean("a.yes", true);
  metadata.texts("b.texts", {"one", "", "drei ß"});
  metadata.i32s("b.i32s", {-1, 7});
  metadata.f32s("b.f32s", {1.5f});
  return metadata;
}

struct Written {
  testing::TemporaryFolder folder;
  std::filesystem::path path() const { return folder / "x.gguf"; }

  GgufFile write(const GgufMetadata& metadata, const std::vector<std::pair<std::string, Weight>>& weights,
                 float added = 0) const {
    std::vector<GgufDeclaration> declared;
    for (const auto& [name, weight] : weights)
      declared.push_back({name, weight.shape, &gguf_type_of(weight)});
    GgufWriter writer(path(), metadata, declared);
    for (const auto& [name, weight] : weights) {
      write_gguf_rows(
          weight, gguf_type_of(weight), [](std::int64_t row) { return row; }, added,
          [&](std::span<const std::byte> bytes) { writer.append(bytes); });
      writer.end_tensor();
    }
    writer.commit();
    return GgufFile::open(path());
  }
};

TEST(GgufWriter, ItsReaderFindsEveryKey) {
  const Written written;
  const GgufFile file = written.write(every_kind(), {});
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.integer("a.u32"), 4'000'000'000);
  EXPECT_EQ(file.number("a.f32"), 0.25);
  EXPECT_EQ(file.boolean("a.yes"), true);
  EXPECT_THAT(file.texts("b.texts"), ElementsAre("one", "", "drei ß"));
  EXPECT_THAT(file.integers("b.i32s"), ElementsAre(-1, 7));
  EXPECT_THAT(file.numbers("b.f32s"), ElementsAre(1.5));
}

TEST(GgufWriter, CopiesKeysByTheirBeginning) {
  const Written written;
  const GgufFile file = written.write(every_kind(), {});
  GgufMetadata copy;
  copy.copy(file, "b.");
  copy.u32("c", 1);
  EXPECT_EQ(copy.count(), 4u);
  const Written again;
  const GgufFile copied = again.write(copy, {});
  EXPECT_THAT(copied.texts("b.texts"), ElementsAre("one", "", "drei ß"));
  EXPECT_THAT(copied.integers("b.i32s"), ElementsAre(-1, 7));
  EXPECT_FALSE(copied.has("a.u32"));
}

TEST(GgufWriter, AFileThatIsNotFinishedDoesNotAppear) {
  const Written written;
  { GgufWriter writer(written.path(), every_kind(), {}); }
  EXPECT_FALSE(std::filesystem::exists(written.path()));
}

Weight random_matrix(std::int64_t n, std::int64_t k) {
  std::vector<float> values(static_cast<std::size_t>(n * k));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] =
        static_cast<float>(philox({static_cast<std::uint32_t>(i), 0, 0, 0}, {3, 5})[0]) * 0x1p-32f - 0.4f;
  return weight_from_tensor("w", Tensor::from(values, Shape{n, k}));
}

struct Case {
  const char* encoding;
  const char* type;
  double tolerance;  // of the largest value
};

class GgufEncode : public ::testing::TestWithParam<Case> {};

// 18 rows, so that the last panel is filled up.
TEST_P(GgufEncode, KeepsWhatItsRowOfTheTableSays) {
  const Weight weight = encode(random_matrix(18, 128), *parse_encoding(GetParam().encoding));
  const Written written;
  const GgufFile file = written.write({}, {{"first", random_matrix(3, 5)}, {"t", weight}});
  const GgufTensor& tensor = *file.find("t");
  EXPECT_EQ(tensor.type->name, GetParam().type);
  EXPECT_EQ(tensor.begin % 32, 0u);
  std::vector<float> got(18 * 128);
  const Buffer bytes = file.bytes(tensor);
  for (std::size_t at = 0, out = 0; at < bytes.size(); at += static_cast<std::size_t>(tensor.type->bytes)) {
    tensor.type->decode(bytes.data() + at, got.data() + out);
    out += static_cast<std::size_t>(tensor.type->block);
  }
  const std::vector<float> want = decode(weight);
  double worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    worst = std::max(worst, static_cast<double>(std::abs(got[i] - want[i])));
  EXPECT_LE(worst, GetParam().tolerance * 0.6);
  EXPECT_EQ(worst > 0, gguf_rounds(weight) && GetParam().tolerance > 0);
}

// 2^-11: half a unit of f16's last place; the asymmetric codes add one for the offset.
INSTANTIATE_TEST_SUITE_P(All, GgufEncode,
                         ::testing::Values(Case{"f32", "F32", 0}, Case{"f16", "F16", 0},
                                           Case{"bf16", "BF16", 0}, Case{"int8-g32", "Q8_0", 0},
                                           Case{"int8-g128", "Q8_0", 0}, Case{"int8", "Q8_0", 0x1p-11},
                                           Case{"int8-g16", "F16", 0x1p-11},
                                           Case{"int8-g32-asym", "F16", 0x1p-11}, Case{"int4-g32", "Q4_0", 0},
                                           Case{"int4-g64", "Q4_0", 0}, Case{"int4", "Q4_0", 0x1p-11},
                                           Case{"int4-g32-asym", "Q4_1", 0x1p-10}, Case{"q5_0", "Q5_0", 0},
                                           Case{"q4_r", "F16", 0x1p-11}),
                         [](const auto& test) {
                           std::string name = test.param.encoding;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(GgufEncode, BlockFormatsAreWrittenBitForBit) {
  for (const Format format : {Format::kQ4K, Format::kQ5K, Format::kQ6K, Format::kQ50}) {
    const Weight weight = test::random_blocks(format, 18, 512, 3);
    EXPECT_FALSE(gguf_rounds(weight));
    const Written written;
    const GgufFile file = written.write({}, {{"t", weight}});
    const GgufTensor& tensor = *file.find("t");
    EXPECT_EQ(tensor.type, &test::ggml_type_of(format));
    const Weight again = make_gguf_weight(file, tensor, "t");
    EXPECT_EQ(again.encoding, weight.encoding);
    ASSERT_EQ(again.codes.size(), weight.codes.size());
    EXPECT_EQ(std::memcmp(again.codes.data(), weight.codes.data(), weight.codes.size()), 0);
  }
}

TEST(GgufEncode, VectorsAreF32AndRowsThatAreNoBlocksF16) {
  Weight vector = random_matrix(1, 5);
  vector.shape = Shape{5};
  const Written written;
  const Weight narrow = encode(random_matrix(4, 40), {.format = Format::kInt8});
  const GgufFile file = written.write({}, {{"v", vector}, {"n", narrow}}, 1);
  EXPECT_EQ(file.find("n")->type->name, "F16");
  std::vector<float> want = decode(vector);
  for (float& value : want) value += 1;
  EXPECT_EQ(decode(make_gguf_weight(file, *file.find("v"), "v")), want);
}

TEST(GgufEncode, ValuesBeyondF16AreNamed) {
  const Written written;
  const Weight huge =
      encode(weight_from_tensor("w", Tensor::from(std::vector<float>(64, 1e9f), Shape{2, 32})),
             {.format = Format::kInt8});
  EXPECT_THAT(testing::message_of([&] {
                written.write({}, {{"w", huge}});
              }),
              ::testing::HasSubstr("is beyond the range of f16"));
}

}  // namespace
}  // namespace swiftlet
