#include "swiftlet/text/bpe.h"

#include <gmock/gmock.h>

#include <random>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

ModelPointer model_of(const std::string& json) {
  const JsonDocument document(json, "test");
  return make_model(document.root());
}

std::vector<ModelToken> tokens(const Model& model, std::string_view piece) {
  std::vector<ModelToken> out;
  model.tokenize(piece, out);
  return out;
}
using Tokens = std::vector<ModelToken>;

TEST(Bpe, JoinsByRankNotByPlace) {
  // "bc" joins before "ab", so that "abc" is a + bc.
  const auto model =
      model_of(R"({"type":"BPE","vocab":{"a":0,"b":1,"c":2,"bc":3,"ab":4},"merges":["b c","a b"]})");
  EXPECT_EQ(tokens(*model, "abc"), (Tokens{{0, 0, 1}, {3, 1, 3}}));
  EXPECT_EQ(tokens(*model, "ab"), (Tokens{{4, 0, 2}}));
}

TEST(Bpe, EqualRanksGoLeftFirst) {
  const auto model =
      model_of(R"({"type":"BPE","vocab":{"a":0,"aa":1,"aaaa":2},"merges":[["a","a"],["aa","aa"]]})");
  EXPECT_EQ(tokens(*model, "aaa"), (Tokens{{1, 0, 2}, {0, 2, 3}}));
  EXPECT_EQ(tokens(*model, "aaaaaaa"), (Tokens{{2, 0, 4}, {1, 4, 6}, {0, 6, 7}}));
}

TEST(Bpe, UnknownCharacters) {
  const std::string vocab = R"("vocab":{"a":0,"?":1},"merges":[])";
  EXPECT_EQ(tokens(*model_of(R"({"type":"BPE",)" + vocab + "}"), "axya"), (Tokens{{0, 0, 1}, {0, 3, 4}}));
  EXPECT_EQ(tokens(*model_of(R"({"type":"BPE","unk_token":"?",)" + vocab + "}"), "xya"),
            (Tokens{{1, 0, 1}, {1, 1, 2}, {0, 2, 3}}));
  EXPECT_EQ(tokens(*model_of(R"({"type":"BPE","unk_token":"?","fuse_unk":true,)" + vocab + "}"), "xyaé"),
            (Tokens{{1, 0, 2}, {0, 2, 3}, {1, 3, 5}}));
}

TEST(Bpe, FallsBackToBytesWhereAllAreThere) {
  const auto model = model_of(
      R"({"type":"BPE","unk_token":"?","byte_fallback":true,"vocab":{"?":0,"<0xC3>":1,"<0xA9>":2,"a":3},"merges":[]})");
  EXPECT_EQ(tokens(*model, "aé"), (Tokens{{3, 0, 1}, {1, 1, 2}, {2, 2, 3}}));
  EXPECT_EQ(tokens(*model, "è"), (Tokens{{0, 0, 2}}));
}

TEST(Bpe, MayTakeWholePiecesWithoutMerges) {
  const std::string vocab = R"("vocab":{"a":0,"b":1,"ab":2},"merges":[])";
  EXPECT_EQ(tokens(*model_of(R"({"type":"BPE",)" + vocab + "}"), "ab").size(), 2u);
  EXPECT_EQ(tokens(*model_of(R"({"type":"BPE","ignore_merges":true,)" + vocab + "}"), "ab"),
            (Tokens{{2, 0, 2}}));
}

TEST(Bpe, AffixesOfCharacters) {
  const auto model = model_of(
      R"({"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0,"b":1,"b</w>":2,"ab</w>":3,"a</w>":4},"merges":["a b</w>"]})");
  EXPECT_EQ(tokens(*model, "ab"), (Tokens{{3, 0, 2}}));
  EXPECT_EQ(tokens(*model, "aa"), (Tokens{{0, 0, 1}, {4, 1, 2}}));
  const auto prefixed = model_of(
      R"({"type":"BPE","continuing_subword_prefix":"##","vocab":{"a":0,"##b":1,"ab":2},"merges":["a ##b"]})");
  EXPECT_EQ(tokens(*prefixed, "ab"), (Tokens{{2, 0, 2}}));
}

TEST(Bpe, MergesOfTokensWithSpaces) {
  const auto model = model_of(R"({"type":"BPE","vocab":{" ":0,"  ":1,"a":2," a":3},"merges":["   ","  a"]})");
  EXPECT_EQ(tokens(*model, "  a"), (Tokens{{1, 0, 2}, {2, 2, 3}}));
  EXPECT_EQ(tokens(*model, " a"), (Tokens{{3, 0, 2}}));
}

// The queue for long pieces and the search for short ones are two roads to the same tokens: compared through
// the definition, joining the best pair again and again.
TEST(Bpe, LongPiecesMatchTheDefinition) {
  std::mt19937 random(7);
  std::string vocab = R"({"type":"BPE","vocab":{"a":0,"b":1,"c":2)", merges = R"(},"merges":[)";
  std::vector<std::string> names = {"a", "b", "c"};
  struct Rule {
    int left, right, id;
  };
  std::vector<Rule> rules;
  while (names.size() < 60) {
    const int left = static_cast<int>(random() % names.size()),
              right = static_cast<int>(random() % names.size());
    const std::string joined = names[static_cast<std::size_t>(left)] + names[static_cast<std::size_t>(right)];
    if (joined.size() > 12 || std::find(names.begin(), names.end(), joined) != names.end()) continue;
    rules.push_back({left, right, static_cast<int>(names.size())});
    vocab += fmt::format(",\"{}\":{}", joined, names.size());
    merges += fmt::format("{}[\"{}\",\"{}\"]", rules.size() > 1 ? "," : "",
                          names[static_cast<std::size_t>(left)], names[static_cast<std::size_t>(right)]);
    names.push_back(joined);
  }
  const auto model = model_of(vocab + merges + "]}");
  for (int round = 0; round < 200; ++round) {
    std::string piece(1 + random() % 120, 'a');
    for (char& c : piece) c = static_cast<char>('a' + random() % 3);
    std::vector<int> expected;
    for (char c : piece) expected.push_back(c - 'a');
    for (bool joined = true; joined;) {
      joined = false;
      for (const Rule& rule : rules) {
        for (std::size_t i = 0; i + 1 < expected.size() && !joined; ++i)
          if (expected[i] == rule.left && expected[i + 1] == rule.right) {
            expected[i] = rule.id;
            expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            joined = true;
          }
        if (joined) break;
      }
    }
    std::vector<int> got;
    for (const ModelToken& token : tokens(*model, piece)) got.push_back(token.id);
    ASSERT_EQ(got, expected) << piece;
  }
}

TEST(Bpe, CutsAtSpacesOnlyWhereNoMergeReachesOver) {
  const std::string head = R"({"type":"BPE","unk_token":"a",)",
                    vocab = R"("vocab":{"▁":0,"a":1,"a▁":2,"▁a":3,"▁▁":4},"merges":)",
                    apart = R"([["▁","a"],["▁","▁"]]})";
  EXPECT_EQ(tokens(*model_of(head + vocab + R"([["a","▁"],["▁","a"],["▁","▁"]]})"), "a▁a"),
            (Tokens{{2, 0, 4}, {1, 4, 5}}));
  EXPECT_EQ(tokens(*model_of(head + vocab + apart), "a▁a▁▁a▁"),
            (Tokens{{1, 0, 1}, {3, 1, 5}, {0, 5, 8}, {3, 8, 12}, {0, 12, 15}}));
  // What is dropped brings spaces together.
  EXPECT_EQ(tokens(*model_of(R"({"type":"BPE",)" + vocab + apart), "▁?▁"), (Tokens{{4, 0, 7}}));
}

TEST(Bpe, RemembersTheWordsOfEachModelApart) {
  const auto first = model_of(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})");
  const auto second = model_of(R"({"type":"BPE","vocab":{"a":5,"b":6},"merges":[]})");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(tokens(*first, "ab"), (Tokens{{2, 0, 2}}));
    EXPECT_EQ(tokens(*second, "ab"), (Tokens{{5, 0, 1}, {6, 1, 2}}));
    EXPECT_EQ(tokens(*first, "a?a"), (Tokens{{0, 0, 1}, {0, 2, 3}})) << "what is unknown leaves a gap";
  }
}

// All words of up to 25 letters, short enough to be remembered and not, twice.
TEST(Bpe, RememberedWordsAreTheSameWords) {
  const auto model = model_of(
      R"({"type":"BPE","vocab":{"a":0,"b":1,"aa":2,"ab":3,"aab":4,"é":5},"merges":["a a","a b","a ab"]})");
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string word;
    for (std::size_t n = 1 + random() % 25; n > 0; --n) word += std::array{"a", "a", "b", "é"}[random() % 4];
    const Tokens fresh = tokens(*model, word);
    EXPECT_EQ(tokens(*model, word), fresh) << word;
    std::uint32_t at = 0;
    for (const ModelToken& token : fresh) {
      EXPECT_EQ(token.begin, at);
      EXPECT_EQ(model->vocabulary().token(token.id), word.substr(at, token.end - at));
      at = token.end;
    }
    EXPECT_EQ(at, word.size());
  }
}

TEST(Bpe, LongPiecesInLittleMoreThanLinearTime) {
  const auto model =
      model_of(R"({"type":"BPE","vocab":{"a":0,"aa":1,"aaaa":2},"merges":[["a","a"],["aa","aa"]]})");
  EXPECT_EQ(tokens(*model, std::string(1 << 20, 'a')).size(), std::size_t{1} << 18);
}

}  // namespace
}  // namespace swiftlet::text
