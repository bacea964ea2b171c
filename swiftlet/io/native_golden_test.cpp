// The golden native file of each format version: it stays readable with the same values, every flipped byte
// of it is found, and docs/file-format.md shows its bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "swiftlet/io/native.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using testing::buffer_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::read_file;
using testing::safetensors_bytes;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(SWIFTLET_SOURCE_DIR) / "tests/data/native" / name;
}

TEST(NativeGolden, Version1KeepsItsValues) {
  const Checkpoint checkpoint = load_checkpoint(golden("version-1.swiftlet"));
  const SafetensorsFile values = SafetensorsFile::open(golden("version-1-values.safetensors"));
  ASSERT_EQ(checkpoint.weights.size(), values.entries().size());
  for (const auto& entry : values.entries()) {
    const Weight& weight = checkpoint.weight(entry.name);
    EXPECT_EQ(weight.shape, entry.shape) << entry.name;
    EXPECT_EQ(decode(weight), to_floats(values.tensor(entry))) << entry.name;
  }
  EXPECT_EQ(to_string(checkpoint.weight("model.embed_tokens.weight").encoding), "int8-g8-asym");
  const Weight& int4 = checkpoint.weight("model.layers.0.mlp.up_proj.weight");
  EXPECT_EQ(to_string(int4.encoding), "int4-g8-asym");
  EXPECT_EQ(int4.arithmetic, Arithmetic::kInt8);
  EXPECT_EQ(checkpoint.weight("model.layers.0.input_layernorm.weight").encoding.format, Format::kF16);
  EXPECT_EQ(checkpoint.weight("model.layers.0.self_attn.o_proj.weight").encoding.format, Format::kBF16);
  EXPECT_EQ(checkpoint.weight("model.norm.weight").encoding.format, Format::kF32);
}

// The encoded values lie within half a step of what the source had.
TEST(NativeGolden, Version1IsWhatItsSourceWas) {
  const Checkpoint checkpoint = load_checkpoint(golden("version-1.swiftlet"));
  const Checkpoint source = load_checkpoint(golden("source"));
  for (const auto& [name, weight] : source.weights) {
    const auto want = decode(weight), got = decode(checkpoint.weight(name));
    ASSERT_EQ(want.size(), got.size());
    const Format format = checkpoint.weight(name).encoding.format;
    const float tolerance = format == Format::kInt4 ? 0.0667F + 1e-3F : format == Format::kInt8 ? 0.004F : 0;
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_LE(std::fabs(want[i] - got[i]), tolerance) << name << " " << i;
  }
}

TEST(NativeGolden, Version1KeepsAllElse) {
  const Checkpoint checkpoint = load_checkpoint(golden("version-1.swiftlet"));
  const Checkpoint source = load_checkpoint(golden("source"));
  EXPECT_EQ(checkpoint.config.json(), source.config.json());
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kTokenizerJson);
  EXPECT_EQ(checkpoint.tokenizer.text(), source.tokenizer.text());
  EXPECT_EQ(checkpoint.tokenizer.config.json(), source.tokenizer.config.json());
  EXPECT_EQ(checkpoint.chat_template, source.chat_template);
  EXPECT_THAT(checkpoint.generation.eos_token_ids, ElementsAre(1));
  EXPECT_EQ(checkpoint.generation.bos_token_id, 0);
  EXPECT_THAT(checkpoint.plan, HasSubstr(R"("weights":"int4-g8-asym")"));
  EXPECT_THAT(checkpoint.certificate, HasSubstr(R"("source_sha256":")"));
  EXPECT_EQ(verify_native(golden("version-1.swiftlet")).tensors, 26U);
}

// Header, its padding, blobs, their padding: nothing in the file is free to change.
TEST(NativeGolden, EveryFlippedByteIsFound) {
  const std::string good = read_file(golden("version-1.swiftlet"));
  std::string bytes = good;
  const Buffer whole = Buffer::borrowed({}, reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
  const auto verify = [&] { verify_native(SafetensorsFile::parse(whole, "golden")); };
  ASSERT_EQ(message_of(verify), "no error");
  std::size_t refused = 0, by_hash = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int mask : {0x01, 0x20, 0xff}) {  // 0x20: another letter case, a space for a zero
      bytes[i] = static_cast<char>(good[i] ^ mask);
      const std::string message = message_of(verify);
      ASSERT_THAT(message, ::testing::StartsWith("[golden")) << "byte " << i << " ^ " << mask;
      (message.find("has the SHA-256") == std::string::npos ? refused : by_hash) += 1;
    }
    bytes[i] = good[i];
  }
  EXPECT_EQ(refused, 3 * SafetensorsFile::parse(whole, "golden").data_offset());
  EXPECT_EQ(by_hash, 3 * good.size() - refused);
}

TEST(NativeGolden, BytesBehindTheEndOrLostFromItAreFound) {
  const std::string good = read_file(golden("version-1.swiftlet"));
  const auto verify = [&](const std::string& bytes) {
    return message_of([&] { verify_native(SafetensorsFile::parse(buffer_of(bytes), "golden")); });
  };
  EXPECT_THAT(verify(good + '\0'), HasSubstr("the file has"));
  EXPECT_THAT(verify(good + std::string(64, '\0')), HasSubstr("the file has"));
  for (std::size_t size = 0; size < good.size(); size += 97)
    EXPECT_NE(verify(good.substr(0, size)), "no error");
}

// As a release of the future would write it: whatever else it holds, it names who reads it.
TEST(NativeGolden, ANewerVersionIsRefusedWithItsReader) {
  const std::string bytes = safetensors_bytes(
      R"({"__metadata__":{"format":"swiftlet","format_version":"2","first_reader":"0.7.0","new":"x"}})");
  try {
    parse_native(SafetensorsFile::parse(buffer_of(bytes), "new.swiftlet"));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(
        error.what(),
        "[new.swiftlet] is of format version 2, this program reads versions up to 1: Swiftlet 0.7.0 or newer "
        "reads it");
  }
}

// "    00000010  64 61 ..  |da|": lines of a hex dump in the page must be those of the golden file.
// A line of a dump, "    0000000c  7b 22 ...  text": the words in front of the text; none for other lines.
std::vector<unsigned long> dumped(const std::string& line) {
  constexpr std::size_t kMargin = 4, kOffset = 8;
  const auto is_hex = [](const std::string& word) {
    return !word.empty() && word.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  if (line.size() < kMargin + kOffset || line.find_first_not_of(' ') != kMargin) return {};
  const std::string offset = line.substr(kMargin, kOffset);
  if (!is_hex(offset) || line.substr(kMargin + kOffset, 2) != "  ") return {};
  std::istringstream bytes(
      line.substr(kMargin + kOffset, line.find("  ", kMargin + kOffset + 2) - kMargin - kOffset));
  std::vector<unsigned long> words{std::stoul(offset, nullptr, 16)};
  for (std::string word; bytes >> word && word.size() == 2 && is_hex(word);)
    words.push_back(std::stoul(word, nullptr, 16));
  return words;
}

TEST(NativeGolden, TheDocumentedBytesAreTrue) {
  const std::string bytes = read_file(golden("version-1.swiftlet"));
  std::ifstream page(std::filesystem::path(SWIFTLET_SOURCE_DIR) / "docs/file-format.md");
  int lines = 0;
  for (std::string line; std::getline(page, line);) {
    const std::vector<unsigned long> words = dumped(line);
    lines += words.size() > 1 ? 1 : 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
      ASSERT_LT(words[0] + i - 1, bytes.size()) << line;
      EXPECT_EQ(words[i], static_cast<unsigned char>(bytes[words[0] + i - 1])) << line;
    }
  }
  EXPECT_GE(lines, 15);
}

}  // namespace
}  // namespace swiftlet
