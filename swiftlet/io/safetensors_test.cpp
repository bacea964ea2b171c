#include "swiftlet/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <random>

#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using testing::buffer_of;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::message_of;
using testing::read_file;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_file;

SafetensorsFile parse(std::string_view bytes) {
  return SafetensorsFile::parse(buffer_of(bytes), "m.safetensors");
}

std::string parse_error(std::string_view bytes) {
  return message_of([&] { parse(bytes); });
}

std::string header_error(std::string_view header, std::size_t data_bytes = 0) {
  return parse_error(safetensors_bytes(header, std::string(data_bytes, 'x')));
}

const char* const kTwo =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
    R"("b":{"dtype":"I8","shape":[4],"data_offsets":[24,28]}})";

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const auto data = bytes_of<float>({1, 2, 3, 4, 5, 6}) + bytes_of<std::int8_t>({-1, 2, -3, 4});
  const SafetensorsFile file = parse(safetensors_bytes(kTwo, data));
  ASSERT_EQ(file.entries().size(), 2U);
  const Tensor a = file.tensor("a");
  EXPECT_EQ(a.dtype(), DType::kF32);
  EXPECT_EQ(a.shape(), Shape({2, 3}));
  EXPECT_EQ(a.span<float>()[5], 6.0F);
  EXPECT_EQ(file.tensor("b").span<std::int8_t>()[2], -3);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_EQ(message_of([&] { file.tensor("c"); }), "[m.safetensors: tensor 'c'] is not in the file");
}

TEST(Safetensors, TensorsOutliveTheFile) {
  TemporaryFolder folder;
  write_file(folder / "m.safetensors", safetensors_bytes(kTwo, std::string(28, '\1')));
  Tensor tensor;
  {
    const SafetensorsFile file = SafetensorsFile::open(folder / "m.safetensors");
    const SafetensorsFile copy = file;
    tensor = copy.tensor("b");
  }
  EXPECT_EQ(tensor.span<std::int8_t>()[3], 1);
}

TEST(Safetensors, CopiesUnalignedData) {
  const std::string header = R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"F64","shape":[2],"data_offsets":[1,17]}})";
  const SafetensorsFile file = parse(safetensors_bytes(header, "x" + bytes_of<double>({1.5, -2.5})));
  const Tensor b = file.tensor("b");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data<double>()) % 8, 0U);
  EXPECT_EQ(b.span<double>()[1], -2.5);
}

TEST(Safetensors, AcceptsScalarsEmptyTensorsAndEmptyFiles) {
  EXPECT_TRUE(parse(safetensors_bytes("{}")).entries().empty());
  EXPECT_TRUE(parse(safetensors_bytes("{}      ")).entries().empty());
  const auto file = parse(safetensors_bytes(R"({"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},)"
                                            R"("s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                                            bytes_of<float>({7})));
  EXPECT_EQ(file.tensor("s").span<float>()[0], 7.0F);
  EXPECT_EQ(file.tensor("e").elements(), 0);
}

TEST(Safetensors, AcceptsEveryDType) {
  for (const char* name :
       {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"}) {
    const std::size_t bytes = std::string(name).ends_with("64")   ? 16
                              : std::string(name).ends_with("32") ? 8
                              : std::string(name).ends_with("16") ? 4
                                                                  : 2;
    const std::string header =
        fmt::format(R"({{"a":{{"dtype":"{}","shape":[2],"data_offsets":[0,{}]}}}})", name, bytes);
    const auto file = parse(safetensors_bytes(header, std::string(bytes, '\0')));
    EXPECT_EQ(safetensors_dtype(file.entries()[0].dtype), name);
  }
  EXPECT_EQ(header_error(R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,2]}})", 2),
            "[m.safetensors: tensor 'a'] dtype \"F4\" is not supported (F64, F32, F16, BF16, F8_E4M3, "
            "F8_E5M2, I64, I32, "
            "I16, I8, U8, BOOL)");
}

struct BadHeader {
  const char* name;
  const char* header;
  std::size_t data_bytes;
  const char* message;
};

class SafetensorsBadHeader : public ::testing::TestWithParam<BadHeader> {};

TEST_P(SafetensorsBadHeader, IsRefusedWithItsPlace) {
  EXPECT_THAT(header_error(GetParam().header, GetParam().data_bytes), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, SafetensorsBadHeader,
    ::testing::Values(
        BadHeader{"Empty", "", 0, "header does not begin with '{'"},
        BadHeader{"NotAnObject", "[1]", 0, "header does not begin with '{'"},
        BadHeader{"NotJson", "{\"a\":}", 0, "[m.safetensors: header] is not valid JSON at line 1, column 6"},
        BadHeader{"CutJson", "{\"a\":{", 0, "it ends too early"},
        BadHeader{"NotUtf8", "{\"\xff\":{}}", 0, "is not valid JSON"},
        BadHeader{"TensorIsNumber", R"({"a":1})", 0, "tensor 'a'] expected an object"},
        BadHeader{"NoDType", R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4, "has no \"dtype\""},
        BadHeader{"NoShape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4, "has no \"shape\""},
        BadHeader{"NoOffsets", R"({"a":{"dtype":"F32","shape":[1]}})", 4, "has no \"data_offsets\""},
        BadHeader{"WrongDType", R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", 4,
                  "dtype \"F31\" is not supported"},
        BadHeader{"DTypeNumber", R"({"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})", 4,
                  "dtype: expected a string, got 3"},
        BadHeader{"NegativeExtent", R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
                  "shape: expected a non-negative integer, got -1"},
        BadHeader{"FractionExtent", R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
                  "shape: expected a non-negative integer, got 1.0"},
        BadHeader{"HugeExtent",
                  R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4,
                  "shape: expected a non-negative integer"},
        BadHeader{"OverflowingShape",
                  R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
                  "more bytes than 63 bits hold"},
        BadHeader{"OverflowingShapeThatWraps",
                  R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4,
                  "more bytes than 63 bits hold"},
        BadHeader{"WrongShape", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
                  "f32 [2] needs 8 bytes, data_offsets hold 4"},
        BadHeader{"ShapeText", R"({"a":{"dtype":"F32","shape":"2","data_offsets":[0,4]}})", 4,
                  "shape: expected a list"},
        BadHeader{"OneOffset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
                  "expected [begin, end]"},
        BadHeader{"OffsetsBehindEnd", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 4,
                  "data_offsets [4, 8] do not lie in the file's 4 bytes"},
        BadHeader{"OffsetsSwapped", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
                  "do not lie in the file"},
        BadHeader{"NegativeOffset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4,
                  "data_offsets: expected a non-negative integer, got -4"},
        BadHeader{"Overlap",
                  R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"I8","shape":[4],"data_offsets":[2,6]}})",
                  6, "tensor 'b'] begins at byte 2 of the data, expected 4: tensors overlap"},
        BadHeader{"Twins",
                  R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}})",
                  4, "tensors overlap"},
        BadHeader{"Hole",
                  R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"I8","shape":[4],"data_offsets":[5,9]}})",
                  9, "the data has a hole"},
        BadHeader{"HoleInFront", R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[1,5]}})", 5,
                  "the data has a hole"},
        BadHeader{"DataBehind", R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}})", 5,
                  "tensors hold 4 bytes, the file has 5 bytes of data"},
        BadHeader{"DuplicateName",
                  R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
                  R"("a":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}})",
                  8, "tensor 'a'] comes twice in the header"},
        BadHeader{"DuplicateKey", R"({"a":{"dtype":"I8","dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4,
                  "\"dtype\" comes twice"},
        BadHeader{"DuplicateMetadata", R"({"__metadata__":{},"__metadata__":{}})", 0, "comes twice"},
        BadHeader{"MetadataNumber", R"({"__metadata__":{"k":1}})", 0, "__metadata__: expected strings"},
        BadHeader{"MetadataList", R"({"__metadata__":[]})", 0, "__metadata__: expected an object"},
        BadHeader{"DeepTensor", R"({"a":[[[[[[[[[[1]]]]]]]]]]})", 0, "nested deeper"},
        BadHeader{
            "ManyExtents",
            R"({"a":{"dtype":"I8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,)"
            R"(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
            1, "has more than 64 values"},
        BadHeader{"EscapedName", "{\"\\u001b[31m\":1}", 0, "tensor '\\x1b[31m'"}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(Safetensors, RefusesWrongHeaderLengths) {
  const std::string good = safetensors_bytes(kTwo, std::string(28, 'x'));
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7}, good.size() - 8 - 27, good.size() - 7,
        kMaxSafetensorsHeader, kMaxSafetensorsHeader + 1, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    std::string bad = good;
    std::memcpy(bad.data(), &length, 8);
    EXPECT_THAT(parse_error(bad), HasSubstr("m.safetensors")) << length;
    EXPECT_NE(parse_error(bad), "no error") << length;
  }
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string good = safetensors_bytes(kTwo, std::string(28, 'x'));
  ASSERT_EQ(parse_error(good), "no error");
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_THAT(parse_error(good.substr(0, length)), HasSubstr("m.safetensors")) << length;
}

// A flipped bit may change a name or a string, which the format cannot notice, but nothing else.
TEST(Safetensors, SurvivesEveryFlippedBitOfTheHeader) {
  const std::string good = safetensors_bytes(kTwo, std::string(28, 'x'));
  int accepted = 0;
  for (std::size_t bit = 0; bit < (good.size() - 28) * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    try {
      const SafetensorsFile file = parse(bad);
      std::uint64_t bytes = 0;
      for (const auto& entry : file.entries()) bytes += file.tensor(entry).bytes();
      EXPECT_EQ(bytes, 28U) << bit;
      ++accepted;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("m.safetensors"));
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST(Safetensors, SurvivesRandomDamage) {
  const std::string good = safetensors_bytes(kTwo, std::string(28, 'x'));
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good;
    for (unsigned i = 0; i < 1 + random() % 6; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    try {
      for (const SafetensorsFile file = parse(bad); const auto& entry : file.entries())
        EXPECT_LE(entry.end, bad.size());
    } catch (const Error&) {
    }
  }
}

TEST(Safetensors, NamesFilesThatCannotBeOpened) {
  TemporaryFolder folder;
  const auto open = [&](const char* name) {
    return message_of([&] { SafetensorsFile::open(folder / name); });
  };
  EXPECT_THAT(open("missing.safetensors"), HasSubstr("missing.safetensors] cannot be opened"));
  std::filesystem::create_directory(folder / "folder.safetensors");
  EXPECT_THAT(open("folder.safetensors"), HasSubstr("folder.safetensors] is not a regular file"));
  write_file(folder / "empty.safetensors", "");
  EXPECT_THAT(open("empty.safetensors"), HasSubstr("empty.safetensors] is 0 bytes"));
  write_file(folder / "secret.safetensors", "x");
  std::filesystem::permissions(folder / "secret.safetensors", std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const bool superuser = ::geteuid() == 0;  // who may read every file
  if (superuser && ::seteuid(65534) != 0) GTEST_SKIP() << "the superuser cannot become somebody else here";
  const std::string message = open("secret.safetensors");
  ASSERT_TRUE(!superuser || ::seteuid(0) == 0);
  EXPECT_THAT(message, HasSubstr("secret.safetensors] cannot be opened: Permission denied"));
}

TEST(SafetensorsWriter, RoundTrips) {
  TemporaryFolder folder;
  const auto path = folder / "m.safetensors";
  const std::string a = bytes_of<float>({1, -2, 3}), b = bytes_of<std::uint16_t>({0x3f80, 0xbf80});
  {
    SafetensorsWriter writer(
        path, {{"a\"\xc3\xa9", DType::kF32, {3}}, {"b", DType::kBF16, {1, 2}}, {"e", DType::kI64, {0}}},
        {{"format", "pt"}}, 64);
    writer.write("a\"\xc3\xa9", std::as_bytes(std::span(a)));
    writer.write("b", std::as_bytes(std::span(b)));
    EXPECT_FALSE(std::filesystem::exists(path)) << "appears before it is whole";
    writer.write("e", {});
    writer.commit();
  }
  const SafetensorsFile file = SafetensorsFile::open(path);
  EXPECT_EQ(file.data_offset() % 64, 0U);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.tensor("a\"\xc3\xa9").span<float>()[1], -2.0F);
  EXPECT_EQ(file.tensor("b").shape(), Shape({1, 2}));
  EXPECT_EQ(file.tensor("b").dtype(), DType::kBF16);
}

TEST(SafetensorsWriter, LeavesNothingBehindWithoutCommit) {
  TemporaryFolder folder;
  { SafetensorsWriter writer(folder / "m.safetensors", {{"a", DType::kI8, {1}}}); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, RefusesBadDeclarations) {
  TemporaryFolder folder;
  const auto error = [&](std::vector<SafetensorsDeclaration> tensors) {
    return message_of([&] { SafetensorsWriter(folder / "m.safetensors", std::move(tensors)); });
  };
  EXPECT_THAT(error({{"a", DType::kI8, {1}}, {"a", DType::kI8, {1}}}), HasSubstr("'a' is declared twice"));
  EXPECT_THAT(error({{"\xff", DType::kI8, {1}}}), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error({{"a", DType::kF32, {std::int64_t{1} << 61}}, {"b", DType::kI8, {1}}}),
              HasSubstr("too large"));
  EXPECT_THAT(message_of([&] { SafetensorsWriter(folder / "no" / "m.safetensors", {}); }),
              HasSubstr("m.safetensors] cannot be created: No such file"));
}

// A limit on the size of files stands for a full disk: the write fails in the middle of a tensor.
TEST(SafetensorsWriter, ReportsAFullDiskAndKeepsTheOldFile) {
  TemporaryFolder folder;
  const auto path = folder / "m.safetensors";
  write_file(path, "old");
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 16, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string big(1 << 20, 'x');
  const std::string message = message_of([&] {
    SafetensorsWriter writer(path, {{"a", DType::kI8, {1 << 20}}});
    writer.write("a", std::as_bytes(std::span(big)));
    writer.commit();
  });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, HasSubstr("m.safetensors] writing failed after"));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace swiftlet
