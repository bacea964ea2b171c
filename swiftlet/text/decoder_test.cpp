#include "swiftlet/text/decoder.h"

#include <gmock/gmock.h>

#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

using Tokens = std::vector<std::string>;

// The text, with a bar after what each token let through.
std::string stream(std::string_view json, const Tokens& tokens) {
  const JsonDocument document(json, "test");
  const Decoders decoders = make_decoders(document.root());
  DecoderChain chain(decoders);
  std::string out;
  for (const std::string& token : tokens) {
    chain.token(token);
    out += chain.take() + "|";
  }
  chain.finish();
  return out + chain.take();
}

TEST(Decoder, ByteLevelWaitsForWholeCharacters) {
  EXPECT_EQ(stream(R"({"type":"ByteLevel"})", {"Hi", "Ġ", "Ã", "©"}), "Hi| ||é|");
  EXPECT_EQ(stream(R"({"type":"ByteLevel"})", {"ð", "Ł", "x"}), "||\uFFFDx|");
  EXPECT_EQ(stream(R"({"type":"ByteLevel"})", {"x", "Ã"}), "x||\uFFFD");
  EXPECT_EQ(stream(R"({"type":"ByteLevel"})", {"<日>", "a b"}), "<日>|a b|");  // not of the byte alphabet
}

TEST(Decoder, WordPieceJoinsWords) {
  EXPECT_EQ(stream(R"({"type":"WordPiece","prefix":"##","cleanup":true})",
                   {"un", "##aff", "##able", ",", "do", "n't", "!"}),
            "un|aff|able|,| do|n't|!|");
  EXPECT_EQ(stream(R"({"type":"WordPiece","prefix":"##","cleanup":false})", {"##a", "."}), "##a| .|");
}

TEST(Decoder, MetaspaceDropsTheFirstSpace) {
  EXPECT_EQ(stream(R"({"type":"Metaspace"})", {"▁Hey", "▁you", "▁▁"}), "Hey| you|  |");
  EXPECT_EQ(stream(R"({"type":"Metaspace","prepend_scheme":"never"})", {"▁Hey"}), " Hey|");
}

TEST(Decoder, ByteFallbackTakesRunsAsAWhole) {
  EXPECT_EQ(stream(R"({"type":"ByteFallback"})", {"a", "<0xC3>", "<0xA9>", "b"}), "a|||éb|");
  EXPECT_EQ(stream(R"({"type":"ByteFallback"})", {"<0xC3>", "<0xA9>", "<0xC3>", "b"}),
            "|||\uFFFD\uFFFD\uFFFDb|");
  EXPECT_EQ(stream(R"({"type":"ByteFallback"})", {"<0x4g>", "<0x41>"}), "<0x4g>||A");
}

TEST(Decoder, LlamaChainStripsTheFirstSpaceOfTheText) {
  constexpr std::string_view kJson = R"({"type":"Sequence","decoders":[
      {"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},
      {"type":"Strip","content":" ","start":1,"stop":0}]})";
  EXPECT_EQ(stream(kJson, {"▁▁Hi", "▁you", "<0x21>"}), " Hi| you||!");
}

TEST(Decoder, StripHoldsBackWhatMayBeTheEnd) {
  constexpr std::string_view kJson =
      R"({"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":"_","start":1,"stop":2}]})";
  EXPECT_EQ(stream(kJson, {"__a", "__", "b_", "__"}), "_a||__b|_|");
  EXPECT_EQ(stream(R"({"type":"Strip","content":"_","start":1,"stop":1})", {"_", "_a_"}), "|a|");
}

TEST(Decoder, BpeSuffixIsASpaceButAtTheEnd) {
  EXPECT_EQ(stream(R"({"type":"BPEDecoder","suffix":"</w>"})", {"a</w>", "b", "c</w>"}), "|a |b|c");
}

TEST(Decoder, ReplacesByPattern) {
  EXPECT_EQ(stream(R"({"type":"Replace","pattern":{"Regex":"[0-9]+"},"content":"#"})", {"a12b", "3"}),
            "a#b|#|");
}

TEST(Decoder, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(error_of([] { stream(R"({"type":"Sequence","decoders":[{"type":"Sparkle"}]})", {}); }),
            "[test: decoders[0]] the decoder \"Sparkle\" is not available");
}

}  // namespace
}  // namespace swiftlet::text
