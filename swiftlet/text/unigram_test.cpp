#include <gmock/gmock.h>

#include <chrono>
#include <random>

#include "swiftlet/text/base64.h"
#include "swiftlet/text/model.h"
#include "swiftlet/text/text_testing.h"
#include "swiftlet/text/token_trie.h"

namespace swiftlet::text {
namespace {

std::vector<ModelToken> tokens(const std::string& json, std::string_view piece) {
  const JsonDocument document(json, "test");
  std::vector<ModelToken> out;
  make_model(document.root())->tokenize(piece, out);
  return out;
}
using Tokens = std::vector<ModelToken>;

TEST(Unigram, TakesTheBestSumNotTheLongestToken) {
  const std::string json =
      R"({"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1],["b",-1],["ab",-5],["abc",-2],["c",-9]]})";
  EXPECT_EQ(tokens(json, "ab"), (Tokens{{1, 0, 1}, {2, 1, 2}}));
  EXPECT_EQ(tokens(json, "abc"), (Tokens{{4, 0, 3}}));
}

TEST(Unigram, UnknownNeighboursBecomeOne) {
  const std::string json = R"({"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1]]})";
  EXPECT_EQ(tokens(json, "xéa中"), (Tokens{{0, 0, 3}, {1, 3, 4}, {0, 4, 7}}));
  EXPECT_EQ(tokens(json, "?x"), (Tokens{{0, 0, 2}}));  // spelled out or not
}

TEST(Unigram, FallsBackToBytesWhereAllAreThere) {
  const std::string json =
      R"({"unk_id":0,"byte_fallback":true,"vocab":[["?",0],["a",-1],["<0xC3>",0],["<0xA9>",0]]})";
  EXPECT_EQ(tokens(json, "aé"), (Tokens{{1, 0, 1}, {2, 1, 3}, {3, 1, 3}}));
  EXPECT_EQ(tokens(json, "éè"), (Tokens{{0, 0, 4}}));
}

TEST(Unigram, NamesWhatItCannotSay) {
  const std::string json = R"({"type":"Unigram","vocab":[["a",-1]]})";
  EXPECT_EQ(error_of([&] { tokens(json, "ab"); }),
            "[tokenizer] the vocabulary has no token for \"b\", and names none for the unknown");
}

TEST(Unigram, LongPiecesInLinearTime) {
  const std::string json =
      R"({"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1],["aa",-1.5],["aaaaaaaa",-3]]})";
  EXPECT_EQ(tokens(json, std::string(1 << 20, 'a')).size(), std::size_t{1} << 17);
}

// Against the definition: every way to cut.
TEST(TokenTrie, FindsEveryPrefix) {
  std::mt19937 random(3);
  std::vector<std::string> words;
  for (int i = 0; i < 3000; ++i) {
    std::string word(1 + random() % 6, 'a');
    for (char& c : word) c = static_cast<char>(random() % 5 == 0 ? random() % 256 : 'a' + random() % 4);
    words.push_back(std::move(word));
  }
  std::vector<TokenTrie::Key> keys;
  for (std::size_t i = 0; i < words.size(); ++i) keys.push_back({words[i], static_cast<std::int32_t>(i)});
  const TokenTrie trie(keys);
  for (int round = 0; round < 500; ++round) {
    std::string text = words[random() % words.size()] + words[random() % words.size()];
    const std::size_t at = random() % text.size();
    std::vector<std::pair<std::size_t, std::int32_t>> expected, found;
    for (std::size_t end = at + 1; end <= text.size(); ++end)
      for (std::size_t i = words.size(); i-- > 0;)  // of equal ones the last
        if (words[i] == text.substr(at, end - at)) {
          expected.emplace_back(end, static_cast<std::int32_t>(i));
          break;
        }
    trie.each_prefix(text, at, [&](std::size_t end, std::int32_t value) { found.emplace_back(end, value); });
    ASSERT_EQ(found, expected);
  }
}

TEST(TokenTrie, EmptyFindsNothing) {
  TokenTrie().each_prefix("abc", 0, [](std::size_t, std::int32_t) { FAIL(); });
  TokenTrie({{"", 1}}).each_prefix("abc", 0, [](std::size_t, std::int32_t) { FAIL(); });
}

TEST(WordLevel, WholePieces) {
  const std::string json = R"({"type":"WordLevel","unk_token":"?","vocab":{"?":0,"ab":1}})";
  EXPECT_EQ(tokens(json, "ab"), (Tokens{{1, 0, 2}}));
  EXPECT_EQ(tokens(json, "abc"), (Tokens{{0, 0, 3}}));
  EXPECT_EQ(error_of([] { tokens(R"({"type":"WordLevel","vocab":{"ab":1}})", "x"); }),
            "[tokenizer] the vocabulary has no token for \"x\", and names none for the unknown");
}

TEST(Base64, BothWays) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  }
  for (const char* bad : {"Zg=", "Z===", "Zg==Zg==", "Zm9$", "=m9v", "Zg", "Zm 9"})
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace swiftlet::text
