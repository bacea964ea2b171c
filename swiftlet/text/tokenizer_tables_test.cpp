#include "swiftlet/text/tokenizer_tables.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <random>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

using testing::HasSubstr;

// A u32 or u64 of the blob, as it lies there.
template <class T>
void put(std::string& blob, std::size_t at, T value) {
  std::memcpy(blob.data() + at, &value, sizeof value);
}
template <class T>
T get(const std::string& blob, std::size_t at) {
  T value;
  std::memcpy(&value, blob.data() + at, sizeof value);
  return value;
}
constexpr std::size_t kSizes = 16;  // of the sections, u64 each
std::size_t section(const std::string& blob, std::size_t which) {
  std::size_t at = 128;
  for (std::size_t i = 0; i < which; ++i) at = (at + get<std::uint64_t>(blob, kSizes + 8 * i) + 63) / 64 * 64;
  return at;
}

std::vector<std::string> torture_texts() {
  std::ifstream file(data_path("tests/data/tokenizers/torture.jsonl"));
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);)
    texts.push_back(nlohmann::json::parse(line).get<std::string>());
  return texts;
}

class TablesOf : public testing::TestWithParam<const char*> {};

TEST_P(TablesOf, MakeTheSameTokenizer) {
  const Tokenizer parsed = load_tokenizer(data_path(std::string("tests/data/tokenizers/") + GetParam()));
  const std::string tables = parsed.tables();
  const Tokenizer mapped = Tokenizer::from_source(source_of(parsed, tables));
  EXPECT_EQ(mapped.serialized(), parsed.serialized());
  EXPECT_EQ(mapped.tables(), tables);
  EXPECT_EQ(mapped.vocab_size(), parsed.vocab_size());
  EXPECT_EQ(mapped.special(), parsed.special());
  const auto texts = torture_texts();
  ASSERT_GT(texts.size(), 100u);
  for (const std::string& text : texts) {
    const TokenizedText expected = parsed.encode(text), found = mapped.encode(text);
    ASSERT_EQ(found.ids, expected.ids) << shown(text);
    ASSERT_EQ(found.offsets, expected.offsets) << shown(text);
    ASSERT_EQ(mapped.decode(found.ids), parsed.decode(expected.ids)) << shown(text);
  }
  for (std::int32_t id = 0; id < parsed.vocab_size(); ++id)
    ASSERT_EQ(mapped.id_to_token(id), parsed.id_to_token(id)) << id;
}

// A tokenizer that can be used, or an Error.
TEST_P(TablesOf, DamagedDoNoHarm) {
  const Tokenizer parsed = load_tokenizer(data_path(std::string("tests/data/tokenizers/") + GetParam()));
  const std::string tables = parsed.tables();
  std::mt19937 random(5);
  int refused = 0;
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    std::string damaged = tables;
    for (unsigned n = 1 + random() % 40; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (round % 4 == 0) damaged.resize(random() % damaged.size());
    try {
      const Tokenizer tokenizer = Tokenizer::from_source(source_of(parsed, damaged));
      tokenizer.decode(
          tokenizer.encode("The quick brown fox, naïve 漢字 \xFF 👍🏽 aaaaaaaaaaaaaaaaa").ids);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, kRounds / 8);
}

INSTANTIATE_TEST_SUITE_P(Small, TablesOf,
                         testing::Values("small-bpe", "small-bytes", "small-fallback", "small-unigram",
                                         "stories260k", "bert-uncased"),
                         [](const auto& name) {
                           std::string text = name.param;
                           std::replace(text.begin(), text.end(), '-', '_');
                           return text;
                         });

TEST(Tables, SayWhatIsWrong) {
  const Tokenizer parsed = load_tokenizer(data_path("tests/data/tokenizers/small-bpe"));
  const std::string good = parsed.tables();
  const auto error = [&](auto&& change) {
    std::string blob = good;
    change(blob);
    return error_of([&] { Tokenizer::from_source(source_of(parsed, blob)); });
  };
  EXPECT_EQ(error([](std::string& blob) { blob.resize(10); }),
            "[m.swiftlet: tokenizer: tables] expected tables of a tokenizer, came 10 bytes");
  EXPECT_THAT(error([](std::string& blob) { blob[0] = 'x'; }), HasSubstr("came something else"));
  EXPECT_THAT(error([](std::string& blob) { put(blob, kSizes + 8, UINT64_MAX); }),
              HasSubstr("expected table 1 inside"));
  EXPECT_THAT(error([](std::string& blob) { put(blob, kSizes + 16, std::uint64_t{7}); }),
              HasSubstr("table 2"));
  EXPECT_THAT(error([](std::string& blob) { blob[section(blob, 1)] = '\xFF'; }),
              HasSubstr("expected the tokens in UTF-8"));
  EXPECT_THAT(error([](std::string& blob) { put(blob, section(blob, 2), std::uint32_t{1} << 31); }),
              HasSubstr("expected a token inside"));
  EXPECT_THAT(error([](std::string& blob) {
                for (std::size_t at = section(blob, 3), end = section(blob, 4); at + 8 <= end; at += 8)
                  put(blob, at + 4, std::int32_t{1});
              }),
              HasSubstr("expected at most every other slot taken"));
  EXPECT_THAT(error([](std::string& blob) {
                for (std::size_t at = section(blob, 3), end = section(blob, 4); at + 8 <= end; at += 8)
                  if (get<std::int32_t>(blob, at + 4) != 0) put(blob, at + 4, INT32_MAX);
              }),
              HasSubstr("expected the id of a token, came 2147483646"));
  EXPECT_THAT(error([](std::string& blob) {
                for (std::size_t at = section(blob, 4), end = section(blob, 5); at + 16 <= end; at += 16)
                  put(blob, at, std::uint64_t{5});
              }),
              HasSubstr("expected a free slot"));
  EXPECT_THAT(error([](std::string& blob) {
                for (std::size_t at = section(blob, 4), end = section(blob, 5); at + 16 <= end; at += 16)
                  put(blob, at + 12, std::int32_t{-7});
              }),
              HasSubstr("expected a merge that makes a token, came -7"));
}

TEST(Tables, OfAnotherVersionAreParsedFromTheText) {
  const Tokenizer parsed = load_tokenizer(data_path("tests/data/tokenizers/small-bpe"));
  std::string tables = parsed.tables();
  put(tables, 8, std::uint32_t{99});
  for (std::size_t i = 128; i < tables.size(); ++i) tables[i] = '\xEE';
  const Tokenizer other = Tokenizer::from_source(source_of(parsed, tables));
  EXPECT_EQ(other.encode("some words").ids, parsed.encode("some words").ids);
}

}  // namespace
}  // namespace swiftlet::text
