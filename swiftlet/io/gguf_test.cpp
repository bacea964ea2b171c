#include "swiftlet/io/gguf.h"

#include "swiftlet/io/gguf_testing.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {
namespace {

using testing::buffer_of;
using testing::bytes_of;
using testing::gguf_string;
using testing::GgufBytes;
using testing::message_of;
using testing::raw;

std::string fault(const std::string& bytes) {
  return message_of([&] { GgufFile::parse(buffer_of(bytes), "test.gguf"); });
}

GgufBytes small_file() {
  GgufBytes bytes;
  bytes.text("general.architecture", "llama").u32("llama.block_count", 2).f32("eps", 0.5f);
  bytes.boolean("flag", true).texts("names", {"a", "", "ccc"});
  bytes.array("numbers", GgufKind::kI16, 3, bytes_of<std::int16_t>({-1, 2, 300}));
  bytes.tensor("w", {2, 3}, 0, bytes_of<float>({1, 2, 3, 4, 5, 6}));
  bytes.tensor("v", {32}, 8, raw<std::uint16_t>(0x3c00) + std::string(32, '\1'));
  return bytes;
}

TEST(Gguf, ReadsValuesOfEveryKindAndTensors) {
  const GgufFile file = small_file().file();
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.integer("llama.block_count"), 2);
  EXPECT_EQ(file.number("eps"), 0.5);
  EXPECT_EQ(file.number("llama.block_count"), 2.0);
  EXPECT_EQ(file.boolean("flag"), true);
  EXPECT_EQ(file.texts("names"), (std::vector<std::string_view>{"a", "", "ccc"}));
  EXPECT_EQ(file.integers("numbers"), (std::vector<std::int64_t>{-1, 2, 300}));
  EXPECT_EQ(file.numbers("numbers"), (std::vector<double>{-1, 2, 300}));
  EXPECT_EQ(file.integers("llama.block_count"), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(file.integer("missing"), std::nullopt);
  EXPECT_TRUE(file.texts("missing").empty());
  ASSERT_EQ(file.tensors().size(), 2u);
  const GgufTensor& w = *file.find("w");
  EXPECT_EQ(w.shape, (Shape{3, 2}));  // the contiguous extent last
  EXPECT_EQ(w.type->name, "F32");
  EXPECT_EQ(reinterpret_cast<const float*>(file.bytes(w).data())[5], 6.0f);
  EXPECT_EQ(file.find("v")->bytes, 34u);
  EXPECT_EQ(file.find("x"), nullptr);
}

TEST(Gguf, VersionTwoIsTheSame) {
  std::string bytes = small_file().str();
  bytes[4] = 2;
  EXPECT_EQ(GgufFile::parse(buffer_of(bytes), "test.gguf").tensors().size(), 2u);
}

TEST(Gguf, IntegersOfEveryWidth) {
  GgufBytes bytes;
  bytes.value("u8", GgufKind::kU8, raw<std::uint8_t>(200)).value("i8", GgufKind::kI8, raw<std::int8_t>(-7));
  bytes.value("u16", GgufKind::kU16, raw<std::uint16_t>(60000));
  bytes.value("i32", GgufKind::kI32, raw<std::int32_t>(-70000));
  bytes.value("u64", GgufKind::kU64, raw(std::uint64_t{1} << 40));
  bytes.value("i64", GgufKind::kI64, raw(-(std::int64_t{1} << 40)));
  bytes.value("f64", GgufKind::kF64, raw(0.1));
  const GgufFile file = bytes.file();
  EXPECT_EQ(file.integer("u8"), 200);
  EXPECT_EQ(file.integer("i8"), -7);
  EXPECT_EQ(file.integer("u16"), 60000);
  EXPECT_EQ(file.integer("i32"), -70000);
  EXPECT_EQ(file.integer("u64"), std::int64_t{1} << 40);
  EXPECT_EQ(file.integer("i64"), -(std::int64_t{1} << 40));
  EXPECT_EQ(file.number("f64"), 0.1);
}

TEST(Gguf, ValuesOfAnotherTypeAreNamed) {
  const GgufFile file = small_file().file();
  EXPECT_EQ(message_of([&] { file.integer("eps"); }), "[test.gguf: key 'eps'] expected an integer, came f32");
  EXPECT_EQ(message_of([&] { file.integer("numbers"); }),
            "[test.gguf: key 'numbers'] expected an integer, came an array of i16");
  EXPECT_EQ(message_of([&] { file.text("flag"); }), "[test.gguf: key 'flag'] expected a string, came bool");
  EXPECT_EQ(message_of([&] { file.boolean("eps"); }),
            "[test.gguf: key 'eps'] expected true or false, came f32");
  EXPECT_EQ(message_of([&] { file.numbers("names"); }),
            "[test.gguf: key 'names'] expected a number, came an array of string");
  EXPECT_EQ(message_of([&] { file.texts("numbers"); }),
            "[test.gguf: key 'numbers'] expected strings, came an array of i16");
  GgufBytes bytes;
  bytes.f32("nan", std::numeric_limits<float>::quiet_NaN()).value("huge", GgufKind::kU64, raw(UINT64_MAX));
  const GgufFile odd = bytes.file();
  EXPECT_EQ(message_of([&] { odd.number("nan"); }),
            "[test.gguf: key 'nan'] expected a finite number, came nan");
  EXPECT_EQ(message_of([&] { odd.integer("huge"); }),
            "[test.gguf: key 'huge'] expected an integer of 63 bits, came 18446744073709551615");
}

TEST(GgufBad, CutShortAtEveryByte) {
  const GgufBytes whole = small_file();
  const std::string bytes = whole.str();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    if (size >= bytes.size() - 30) continue;  // the padding behind the last tensor, which may be missing
    EXPECT_TRUE(fault(bytes.substr(0, size)).starts_with("[test.gguf")) << size;
  }
  EXPECT_EQ(fault(bytes.substr(0, bytes.size() - 30)), "no error");
}

TEST(GgufBad, Headers) {
  EXPECT_EQ(fault("PK\3\4"), "[test.gguf] is no GGUF file: it does not begin with \"GGUF\"");
  const auto head = [](std::uint32_t version, std::uint64_t tensors, std::uint64_t values) {
    return "GGUF" + raw(version) + raw(tensors) + raw(values);
  };
  EXPECT_EQ(fault(head(1, 0, 0)), "[test.gguf] is GGUF of version 1: expected version 2 or 3");
  EXPECT_EQ(fault(head(0x03000000, 0, 0)), "[test.gguf] is big endian: expected a little-endian GGUF file");
  EXPECT_EQ(fault(head(3, UINT64_MAX, 0)),
            "[test.gguf: header] expected a number of tensors that fits into 8 bytes, came "
            "18446744073709551615");
  EXPECT_EQ(fault(head(3, 0, 1)),
            "[test.gguf: header] expected a number of key-values that fits into 0 bytes, came 1");
  EXPECT_EQ(fault(head(3, 0, 0)), "no error");
}

TEST(GgufBad, Values) {
  const auto with = [](std::string_view key, std::uint32_t kind, std::string_view bytes) {
    return fault(GgufBytes().value(key, static_cast<GgufKind>(kind), bytes).str());
  };
  EXPECT_EQ(with("k", 13, std::string(8, '\0')),
            "[test.gguf: key 'k'] expected a type of value from 0 to 12, came 13");
  EXPECT_TRUE(with("k", 8, raw(UINT64_MAX)).starts_with("[test.gguf: key 'k'] expected "));
  // An array that claims 2^63 strings, and one of 2^61 numbers whose bytes would overflow.
  EXPECT_TRUE(with("k", 9, raw<std::uint32_t>(8) + raw(std::uint64_t{1} << 63))
                  .starts_with("[test.gguf: key 'k'] expected a number of elements that fits into "));
  EXPECT_TRUE(with("k", 9, raw<std::uint32_t>(10) + raw(std::uint64_t{1} << 61))
                  .starts_with("[test.gguf: key 'k'] expected a number of elements that fits into "));
  std::string nested;
  for (int i = 0; i < 6; ++i) nested += raw<std::uint32_t>(9) + raw<std::uint64_t>(1);
  EXPECT_EQ(with("k", 9, nested), "[test.gguf: key 'k'] expected arrays nested at most 4 deep");
  EXPECT_EQ(fault(GgufBytes().u32("k", 1).u32("k", 2).str()), "[test.gguf: key 'k'] comes twice");
  EXPECT_EQ(fault(GgufBytes().u32("general.alignment", 24).str()),
            "[test.gguf: key 'general.alignment'] expected a power of two from 8 to 1048576, came 24");
  EXPECT_EQ(fault(GgufBytes().u32("general.alignment", 0).str()),
            "[test.gguf: key 'general.alignment'] expected a power of two from 8 to 1048576, came 0");
}

TEST(GgufBad, Tensors) {
  const std::string data(64, '\0');
  const auto with = [&](std::vector<std::uint64_t> extents, std::uint32_t type, std::uint64_t offset = 0) {
    return fault(GgufBytes().tensor_at("t", extents, type, offset).append(data).str());
  };
  EXPECT_EQ(with({16}, 0), "no error");
  EXPECT_EQ(with({17}, 0),
            "[test.gguf: tensor 't'] expected 68 bytes at offset 0 of the data, the file has 64 bytes of "
            "data");
  EXPECT_EQ(with({8}, 0, 16), "[test.gguf: tensor 't'] expected an offset that is a multiple of 32, came 16");
  EXPECT_TRUE(with({8}, 0, UINT64_MAX - 31).starts_with("[test.gguf: tensor 't'] expected 32 bytes at "));
  EXPECT_EQ(with({0}, 0),
            "[test.gguf: tensor 't'] expected extents from 1 whose product fits into 63 bits, came 0");
  EXPECT_EQ(with({std::uint64_t{1} << 40, std::uint64_t{1} << 40}, 0),
            "[test.gguf: tensor 't'] expected extents from 1 whose product fits into 63 bits, came "
            "1099511627776");
  EXPECT_TRUE(
      with({std::uint64_t{1} << 62}, 0).starts_with("[test.gguf: tensor 't'] F32 [4611686018427387904"));
  EXPECT_EQ(with({}, 0), "[test.gguf: tensor 't'] expected 1 to 4 extents, came 0");
  EXPECT_EQ(with({1, 1, 1, 1, 1}, 0), "[test.gguf: tensor 't'] expected 1 to 4 extents, came 5");
  EXPECT_EQ(with({33}, 8), "[test.gguf: tensor 't'] has rows of 33 elements, Q8_0 needs a multiple of 32");
  EXPECT_EQ(
      with({256}, 16),
      "[test.gguf: tensor 't'] is of type IQ2_XXS, which is not read: expected one of F32, F16, Q4_0, "
      "Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, BF16, TQ1_0, TQ2_0, MXFP4");
  EXPECT_TRUE(with({256}, 77).starts_with("[test.gguf: tensor 't'] is of type 77, which is not read"));
  EXPECT_EQ(fault(GgufBytes().tensor("t", {8}, 0, data).tensor("t", {8}, 0, data).str()),
            "[test.gguf: tensor 't'] comes twice");
  EXPECT_EQ(fault(GgufBytes().tensor_at("a", {16}, 0, 0).tensor_at("b", {4}, 0, 32).append(data).str()),
            "[test.gguf: tensor 'b'] shares bytes with tensor 'a'");
}

TEST(GgufBad, NoByteOfAHeaderMakesAFileThatIsReadBeyondItsEnd) {
  const std::string bytes = small_file().str();
  for (std::size_t at = 0; at < small_file().header().size(); ++at)
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      try {
        const GgufFile file = GgufFile::parse(buffer_of(damaged), "test.gguf");
        for (const GgufTensor& tensor : file.tensors())
          EXPECT_LE(tensor.begin + tensor.bytes, damaged.size());
        for (const auto& [key, value] : file.values())
          if (value.kind == GgufKind::kString) file.texts(key);
      } catch (const Error&) {
      }
    }
}

// Every type against the dequantization of the package gguf, bit for bit.
TEST(GgmlBlocks, DecodeAsTheReferenceDoes) {
  const auto golden =
      SafetensorsFile::open(std::string(SWIFTLET_SOURCE_DIR) + "/tests/data/gguf/blocks.safetensors");
  int compared = 0;
  for (const GgmlType& type : ggml_types()) {
    if (type.is_float()) continue;
    SCOPED_TRACE(type.name);
    const Tensor blocks = golden.tensor(std::string(type.name) + ".blocks");
    const Tensor values = golden.tensor(std::string(type.name) + ".values");
    ASSERT_EQ(blocks.shape()[1], type.bytes);
    ASSERT_EQ(values.shape()[1], type.block);
    std::vector<float> out(static_cast<std::size_t>(type.block));
    for (std::int64_t i = 0; i < blocks.shape()[0]; ++i) {
      type.decode(blocks.buffer().data() + i * type.bytes, out.data());
      const float* want = values.span<float>().data() + i * type.block;
      EXPECT_EQ(std::memcmp(out.data(), want, out.size() * sizeof(float)), 0) << "block " << i;
      ++compared;
    }
  }
  EXPECT_GE(compared, 15 * 4);
}

TEST(GgmlBlocks, FloatsDecodeElementByElement) {
  const auto decode = [](std::uint32_t id, auto bits) {
    float out;
    find_ggml_type(id)->decode(reinterpret_cast<const std::byte*>(&bits), &out);
    return out;
  };
  EXPECT_EQ(decode(0, 1.5f), 1.5f);
  EXPECT_EQ(decode(1, std::uint16_t{0x3e00}), 1.5f);
  EXPECT_EQ(decode(30, std::uint16_t{0x3fc0}), 1.5f);
}

}  // namespace
}  // namespace swiftlet
