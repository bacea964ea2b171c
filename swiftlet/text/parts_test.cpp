// Each normalizer, pre-tokenizer, decoder and post-processor alone, against what the field's own package
// answers (tests/data/README.md).
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/text/decoder.h"
#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

using Json = nlohmann::json;

struct Piece {
  std::string text;
  std::uint32_t begin, end;
  bool operator==(const Piece&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Piece& piece) {
  return out << '"' << piece.text << "\" [" << piece.begin << ", " << piece.end << ")";
}

// The lines of parts.jsonl that describe such a part.
std::vector<Json> lines_of(const std::string& kind) {
  std::ifstream file(data_path("tests/data/tokenizers/parts.jsonl"));
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);)
    if (Json json = Json::parse(line); json.contains(kind)) lines.push_back(std::move(json));
  EXPECT_GT(lines.size(), 8u) << kind;
  return lines;
}

std::vector<Piece> expected_pieces(const Json& of_case) {
  const auto text = of_case["text"].get<std::string>();
  std::vector<Piece> pieces;
  for (const Json& piece : of_case["pieces"])
    pieces.push_back({piece[0].get<std::string>(), byte_place(text, piece[1].get<std::size_t>()),
                      byte_place(text, piece[2].get<std::size_t>())});
  return pieces;
}

void expect_pieces(const std::string& kind) {
  for (const Json& line : lines_of(kind)) {
    const std::string json = line[kind].dump();
    SCOPED_TRACE(json.substr(0, 200));
    const JsonDocument document(json, "test");
    Normalizers normalizers;
    PreTokenizers pretokenizers;
    if (kind == "normalizer") {
      normalizers = make_normalizers(document.root());
    } else {
      pretokenizers = make_pretokenizers(document.root());
    }
    for (const Json& of_case : line["cases"]) {
      SCOPED_TRACE(of_case["text"].dump());
      NormalizedText text(of_case["text"].get_ref<const std::string&>());
      normalize(normalizers, text);
      std::vector<Piece> pieces;
      if (kind == "normalizer") {  // one piece for each character
        for (std::size_t at = 0; at < text.text().size();) {
          const std::size_t end = at + char_at(text.text(), at).bytes;
          const Span span = text.original(at, end);
          pieces.push_back({std::string(text.text().substr(at, end - at)), span.begin, span.end});
          at = end;
        }
      } else {
        PreTokens tokens = pretokenize(pretokenizers, std::move(text));
        if (tokens.bytes_pending) write_bytes(tokens);
        for (const Span& piece : tokens.pieces) {
          const Span span = tokens.text.original(piece.begin, piece.end);
          pieces.push_back({std::string(tokens.piece(piece)), span.begin, span.end});
        }
      }
      EXPECT_EQ(pieces, expected_pieces(of_case));
    }
  }
}

TEST(Parts, Normalizers) {
  expect_pieces("normalizer");
}

TEST(Parts, PreTokenizers) {
  expect_pieces("pre_tokenizer");
}

TEST(Parts, Decoders) {
  for (const Json& line : lines_of("decoder")) {
    const std::string json = line["decoder"].dump();
    SCOPED_TRACE(json);
    const JsonDocument document(json, "test");
    const Decoders decoders = make_decoders(document.root());
    for (const Json& of_case : line["cases"]) {
      DecoderChain chain(decoders);
      for (const Json& token : of_case["tokens"]) chain.token(token.get_ref<const std::string&>());
      chain.finish();
      EXPECT_EQ(chain.take(), of_case["text"].get<std::string>()) << of_case["tokens"];
    }
  }
}

TEST(Parts, PostProcessors) {
  for (const Json& line : lines_of("post_processor")) {
    SCOPED_TRACE(line["post_processor"].dump());
    const Tokenizer tokenizer = Tokenizer::from_json(line["tokenizer"].dump(), "test");
    for (const Json& of_case : line["cases"]) {
      SCOPED_TRACE(of_case["texts"].dump());
      const auto texts = of_case["texts"].get<std::vector<std::string>>();
      const TokenizedText encoded =
          texts.size() == 2 ? tokenizer.encode_pair(texts[0], texts[1]) : tokenizer.encode(texts[0]);
      EXPECT_EQ(encoded.ids, of_case["ids"].get<std::vector<std::int32_t>>());
      EXPECT_EQ(encoded.type_ids, of_case["type_ids"].get<std::vector<std::int32_t>>());
      for (std::size_t i = 0; i < encoded.size(); ++i) {
        const std::string& text = texts[encoded.sources[i] == 1 ? 1 : 0];
        const Json& offsets = of_case["offsets"].at(i);
        EXPECT_EQ(encoded.offsets[i], (Span{byte_place(text, offsets[0]), byte_place(text, offsets[1])}))
            << i;
      }
    }
  }
}

}  // namespace
}  // namespace swiftlet::text
