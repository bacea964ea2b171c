#include <gmock/gmock.h>

#include "swiftlet/text/model.h"
#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

constexpr std::string_view kVocab =
    R"("vocab":{"[UNK]":0,"un":1,"##aff":2,"##able":3,"##a":4,"a":5,"ab":6,"##c":7,"é":8,"##é":9,"abc":10})";

ModelPointer model_of(const std::string& options) {
  const JsonDocument document("{\"type\":\"WordPiece\"," + options + std::string(kVocab) + "}", "test");
  return make_model(document.root());
}

std::vector<ModelToken> tokens(const Model& model, std::string_view piece) {
  std::vector<ModelToken> out;
  model.tokenize(piece, out);
  return out;
}
using Tokens = std::vector<ModelToken>;

TEST(WordPiece, TakesTheLongestFromTheLeft) {
  const ModelPointer model = model_of("");
  EXPECT_EQ(tokens(*model, "unaffable"), (Tokens{{1, 0, 2}, {2, 2, 5}, {3, 5, 9}}));
  EXPECT_EQ(tokens(*model, "abc"), (Tokens{{10, 0, 3}}));
  EXPECT_EQ(tokens(*model, "abcc"), (Tokens{{10, 0, 3}, {7, 3, 4}}));
  EXPECT_EQ(tokens(*model, "éé"), (Tokens{{8, 0, 2}, {9, 2, 4}}));
}

TEST(WordPiece, WhatCannotBeSpelledIsUnknownAsAWhole) {
  const ModelPointer model = model_of("");
  EXPECT_EQ(tokens(*model, "abx"), (Tokens{{0, 0, 3}}));
  EXPECT_EQ(tokens(*model, "##a"), (Tokens{{4, 0, 3}}));  // spelled out, as the reference takes it
  EXPECT_EQ(model->unknown_id(), 0);
}

TEST(WordPiece, LongWordsAreUnknown) {
  const ModelPointer model = model_of(R"("max_input_chars_per_word":3,)");
  EXPECT_EQ(tokens(*model, "aaa").size(), 3u);
  EXPECT_EQ(tokens(*model, "aaaa"), (Tokens{{0, 0, 4}}));
  EXPECT_EQ(tokens(*model, "ééé").size(), 3u);  // three characters, six bytes
  EXPECT_EQ(tokens(*model_of(""), std::string(101, 'a')), (Tokens{{0, 0, 101}}));
}

TEST(WordPiece, OtherPrefixes) {
  const JsonDocument document(
      R"({"continuing_subword_prefix":"@","max_input_chars_per_word":9,"unk_token":"?","vocab":{"?":0,"a":1,"@b":2}})",
      "test");
  EXPECT_EQ(tokens(*make_model(document.root()), "abb"), (Tokens{{1, 0, 1}, {2, 1, 2}, {2, 2, 3}}));
}

TEST(WordPiece, AnyLengthInLinearTime) {
  const ModelPointer model = model_of(R"("max_input_chars_per_word":100000000,)");
  EXPECT_EQ(tokens(*model, std::string(2'000'000, 'a')).size(), 2'000'000u);
}

TEST(WordPiece, NeedsItsUnknownToken) {
  EXPECT_EQ(error_of([] { model_of(R"("unk_token":"<unk>",)"); }),
            "[test] expected the unknown token \"<unk>\" in the vocabulary, it is not there");
}

}  // namespace
}  // namespace swiftlet::text
