#include "swiftlet/io/tokenizer_source.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/io/gguf_vocabulary.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

// In the order in which they are looked for.
constexpr std::pair<std::string_view, TokenizerKind> kNames[] = {
    {"tokenizer.json", TokenizerKind::kTokenizerJson},
    {"vocab.txt", TokenizerKind::kVocabText},
    {"vocab.json", TokenizerKind::kVocabMerges},
    {"tokenizer.model", TokenizerKind::kSentencePiece},
    {"spiece.model", TokenizerKind::kSentencePiece},
    {"sentencepiece.bpe.model", TokenizerKind::kSentencePiece},
    {"sentencepiece.model", TokenizerKind::kSentencePiece},
    {"spm.model", TokenizerKind::kSentencePiece},
    {"tokenizer.bin", TokenizerKind::kLlama2c},
};
constexpr std::string_view kBeside[] = {"merges.txt", "added_tokens.json", "special_tokens_map.json"};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void add_small_files(const fs::path& folder, TokenizerSource& source) {
  if (is_there(folder / "tokenizer_config.json"))
    source.config = Config::load(folder / "tokenizer_config.json");
  if (source.kind == TokenizerKind::kLlama2c) return;
  for (const std::string_view name : kBeside)
    if (is_there(folder / name)) source.files.emplace(name, map_file(folder / name));
  if (is_there(folder / "config.json"))
    source.model_type = Config::load(folder / "config.json").string_or("model_type", "");
}

TokenizerSource open_file(const fs::path& path, TokenizerKind kind) {
  TokenizerSource source;
  source.kind = kind;
  source.where = path.string();
  source.bytes = map_file(path);
  return source;
}

std::vector<fs::path> tiktoken_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".tiktoken") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

TokenizerKind kind_of_file(const fs::path& path) {
  for (const auto& [name, kind] : kNames)
    if (path.filename() == name) return kind;
  const auto extension = path.extension();
  if (extension == ".txt") return TokenizerKind::kVocabText;
  if (extension == ".bin") return TokenizerKind::kLlama2c;
  if (extension == ".model" || extension == ".spm") return TokenizerKind::kSentencePiece;
  if (extension == ".tiktoken") return TokenizerKind::kTiktoken;
  return TokenizerKind::kTokenizerJson;
}

}  // namespace

TokenizerSource find_tokenizer(const fs::path& folder) {
  for (const auto& [name, kind] : kNames) {
    if (!is_there(folder / name) || (kind == TokenizerKind::kVocabMerges && !is_there(folder / "merges.txt")))
      continue;
    TokenizerSource source = open_file(folder / name, kind);
    add_small_files(folder, source);
    return source;
  }
  for (const fs::path& path : tiktoken_files(folder)) {
    TokenizerSource source = open_file(path, TokenizerKind::kTiktoken);
    add_small_files(folder, source);
    return source;
  }
  TokenizerSource source;
  add_small_files(folder, source);
  source.where = fmt::format(
      "{}: no tokenizer.json, vocab.txt, vocab.json with merges.txt, tokenizer.model, spiece.model or "
      "tokenizer.bin",
      folder.string());
  return source;
}

bool is_tokenizer_file(std::string_view name) {
  return name.ends_with(".tiktoken") || std::any_of(std::begin(kNames), std::end(kNames),
                                                    [&](const auto& known) { return known.first == name; });
}

bool is_beside_tokenizer(std::string_view name) {
  return name == "tokenizer_config.json" ||
         std::find(std::begin(kBeside), std::end(kBeside), name) != std::end(kBeside);
}

TokenizerSource open_tokenizer(const fs::path& path) {
  if (path.extension() == ".gguf") {
    TokenizerSource source = gguf_tokenizer(std::make_shared<const GgufFile>(GgufFile::open(path)));
    if (source.kind == TokenizerKind::kNone)
      fail(ErrorCode::kNotFound, source.where, "there is no tokenizer");
    return source;
  }
  if (!fs::is_directory(path)) {
    TokenizerSource source = open_file(path, kind_of_file(path));
    if (path.extension() == ".json" || path.extension() == ".txt" || path.extension() == ".bin")
      return source;
    add_small_files(path.has_parent_path() ? path.parent_path() : fs::path("."), source);
    return source;
  }
  TokenizerSource source = find_tokenizer(path);
  if (source.kind == TokenizerKind::kNone) fail(ErrorCode::kNotFound, source.where, "there is no tokenizer");
  return source;
}

}  // namespace swiftlet
