// What the tests of the text pipeline share.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/io/tokenizer_source.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/normalizer.h"
#include "swiftlet/text/pretokenizer.h"
#include "swiftlet/text/tokenizer.h"

namespace swiftlet::text {

using Spans = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// What normalizers make of a text, and where each of its characters came from.
struct Normalized {
  std::string text;
  Spans spans;  // one for each character
};
inline Normalized normalize_with(std::string_view json, std::string_view input) {
  const JsonDocument document(json, "test");
  NormalizedText text(input);
  normalize(make_normalizers(document.root()), text);
  Normalized result{std::string(text.text()), {}};
  for (std::size_t at = 0; at < result.text.size(); at += char_at(result.text, at).bytes)
    result.spans.emplace_back(text.original_at(at).begin, text.original_at(at).end);
  return result;
}

// The pieces that pre-tokenizers make of a text, and where each came from.
struct Pieces {
  std::vector<std::string> texts;
  Spans spans;
};
inline Pieces pretokenize_with(std::string_view json, std::string_view input) {
  const JsonDocument document(json, "test");
  PreTokens tokens = pretokenize(make_pretokenizers(document.root()), NormalizedText(input));
  if (tokens.bytes_pending) write_bytes(tokens);
  Pieces result;
  for (const Span& piece : tokens.pieces) {
    result.texts.emplace_back(tokens.piece(piece));
    const Span span = tokens.text.original(piece.begin, piece.end);
    result.spans.emplace_back(span.begin, span.end);
  }
  return result;
}

// The message of the Error that f() throws; "" and a failed test when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "expected an Error";
  return "";
}

// Goldens count characters, we count bytes: the place of the character `index` of a text, or its end.
inline std::uint32_t byte_place(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += char_at(text, at).bytes;
  return static_cast<std::uint32_t>(at);
}

// Of a file or a folder.
inline Tokenizer load_tokenizer(const std::filesystem::path& path) {
  return Tokenizer::from_source(open_tokenizer(path));
}

inline Buffer buffer_of(std::string_view bytes) {
  Buffer buffer = Buffer::heap(bytes.size());
  std::memcpy(buffer.mutable_data(), bytes.data(), bytes.size());
  return buffer;
}

// As a native file carries it.
inline TokenizerSource source_of(const Tokenizer& tokenizer, std::string_view tables) {
  TokenizerSource source;
  source.kind = TokenizerKind::kTokenizerJson;
  source.where = "m.swiftlet: tokenizer";
  source.bytes = buffer_of(tokenizer.serialized());
  source.tables = buffer_of(tables);
  if (!tokenizer.config().empty()) source.config = Config::parse(tokenizer.config(), "config");
  return source;
}

// A name that no other process uses: tests run side by side.
inline std::filesystem::path own_folder(const std::string& name) {
  return std::filesystem::path(::testing::TempDir()) / fmt::format("swiftlet_{}_{}", name, ::getpid());
}

inline std::string data_path(const std::string& name) {
  return std::string(SWIFTLET_SOURCE_DIR) + "/" + name;
}

// Texts that tokenizers stumble over.
inline std::vector<std::string> hard_texts() {
  std::ifstream file(data_path("tests/data/tokenizers/torture.jsonl"));
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) {
    const JsonDocument document(line, "torture.jsonl");
    texts.emplace_back(document.root().string());
  }
  return texts;
}

}  // namespace swiftlet::text
