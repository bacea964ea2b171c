// Byte-pair encoding: a piece starts as single characters; the two neighbours that join most urgently are
// joined until none do. Sennrich et al., "Neural machine translation of rare words with subword units"
// (2016).
//
// A piece of n characters costs O(n log n), whatever it holds. Where no merge joins what stands before a
// space (written U+2581) with it, as in SentencePiece's vocabularies, the words of a piece are cut apart
// first: the tokens are the same, and words, unlike lines, come again (word_cache.h).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "swiftlet/text/model.h"
#include "swiftlet/text/word_cache.h"

namespace swiftlet::text {

struct BpeOptions {
  std::int32_t unknown_id = Vocabulary::kNone;  // none: characters that the vocabulary lacks are dropped
  bool fuse_unknown = false;                    // a run of unknown characters is one token
  bool byte_fallback = false;                   // an unknown character becomes tokens <0xNN> of its bytes
  bool ignore_merges = false;                   // a piece that is a token is that token, merges or not
  std::string continuing_prefix, end_suffix;    // of characters inside, and at the end of, a piece
};

class Bpe final : public Model {
 public:
  Bpe(ModelTables tables, BpeOptions options);

  void tokenize(std::string_view piece, std::vector<ModelToken>& out) const override;
  void tokenize_bytes(std::string_view piece, std::vector<ModelToken>& out) const override;
  std::int32_t unknown_id() const override { return options_.unknown_id; }

 private:
  std::int32_t character_id(std::string_view piece, std::size_t begin, std::size_t end) const;
  bool fall_back_to_bytes(std::string_view piece, std::size_t begin, std::size_t end,
                          std::vector<ModelToken>& out) const;
  void start_symbols(std::string_view piece, std::vector<ModelToken>& out) const;
  void start_bytes(std::string_view piece, std::vector<ModelToken>& out) const;
  bool words_part_at_spaces() const;
  template <bool Bytes>
  void tokenize_word(std::string_view word, std::uint32_t offset, std::vector<ModelToken>& out) const;
  template <bool Bytes>
  void merge_word(std::string_view word, std::vector<ModelToken>& out) const;
  std::size_t merge_short(ModelToken* symbols, std::size_t count) const;
  std::size_t merge_long(ModelToken* symbols, std::size_t count) const;

  const MergeTable& merges_;
  BpeOptions options_;
  bool has_affixes_;
  std::array<std::int32_t, 0x800> small_;   // ids of the characters below U+0800, which are nearly all
  std::array<std::int32_t, 256> byte_ids_;  // ids of <0x00> to <0xFF>
  bool spells_bytes_;                       // all of the byte alphabet is there
  bool parts_at_spaces_;
  WordCacheKey spelled_words_, byte_words_;
};

}  // namespace swiftlet::text
