#include "swiftlet/core/float_bits.h"
#include "swiftlet/encoding/test_blocks.h"
#include "swiftlet/kernels/test_values.h"

namespace swiftlet::kernels {
namespace {

void expect_rows_as_decoded(const Weight& weight) {
  const std::int64_t n = weight.shape[0], k = weight.shape.elements() / n;
  const std::vector<float> expected = decode(weight);
  for (std::int64_t row = 0; row < n; ++row) {
    Guarded y(k, -1.0f);
    embed_row(weight, row, y.data());
    EXPECT_TRUE(y.intact());
    EXPECT_EQ(std::memcmp(y.data(), expected.data() + row * k, static_cast<std::size_t>(k) * sizeof(float)),
              0)
        << to_string(weight.encoding) << " [" << n << ", " << k << "] row " << row;
  }
}

TEST(EmbedTest, EveryEncodingAndLayoutAsDecoded) {
  for (const auto& [n, k] : {std::pair{1, 1}, {16, 64}, {37, 50}, {20, 200}, {5, 33}}) {
    const Weight rows = weight_from_tensor("table", Tensor::from(random_values(n * k, 1), Shape{n, k}));
    expect_rows_as_decoded(rows);
    for (const char* name : {"f32", "f16", "bf16", "int8", "int8-asym", "int8-g32", "int8-g48-asym", "int4",
                             "int4-g32", "int4-g32-asym", "int4-g128"}) {
      const auto encoding = parse_encoding(name);
      ASSERT_TRUE(encoding) << name;
      const Weight packed = encode(rows, *encoding);
      expect_rows_as_decoded(packed);
      if (!encoding->is_integer()) expect_rows_as_decoded(unpack(packed));
    }
  }
  for (const Format format : {Format::kQ4K, Format::kQ5K, Format::kQ6K, Format::kQ50, Format::kQ4R})
    expect_rows_as_decoded(test::random_blocks(format, 20, 768, 3));
}

}  // namespace
}  // namespace swiftlet::kernels
