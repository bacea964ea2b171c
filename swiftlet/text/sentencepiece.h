// SentencePiece models (tokenizer.model, spiece.model): pieces, scores and how texts are normalized, and the
// tokenizer.json that gives the same ids.
//
// The file is one protobuf message of which five kinds of fields matter. It is read by a bounded reader of
// the wire format, a hundred lines, rather than by code generated at build time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/token_settings.h"
#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::text {

enum class PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct SentencePiece {
  std::string text;
  double score = 0;
  PieceType type = PieceType::kNormal;
};

struct SentencePieceModel {
  enum class Algorithm { kUnigram = 1, kBpe = 2, kWord = 3, kCharacter = 4 };
  Algorithm algorithm = Algorithm::kUnigram;
  std::vector<SentencePiece> pieces;  // by id
  std::int32_t unknown_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;
  bool byte_fallback = false;
  std::string charsmap;  // the table of replacements as the file holds it; empty when there is none
  bool add_dummy_prefix = true, remove_extra_whitespaces = true;
  bool ids_are_final = false;  // pieces stand where their class has them (GGUF): none is dropped or added
};

// True when `bytes` begin as such a file does; tiktoken files go by the same name.
bool looks_like_sentencepiece(std::string_view bytes);

// Throws kInvalid "[where: byte n] what was expected, what came".
SentencePieceModel parse_sentencepiece(std::string_view bytes, const std::string& where);

// What transformers makes of such a model: the class that `settings` name decides about offsets of ids,
// normalization, special tokens and what is put around texts; without one the model's own settings do. Throws
// kUnsupported for a class that is not known.
TokenizerText convert_sentencepiece(const SentencePieceModel& model, const TokenSettings& settings,
                                    const std::string& where);

}  // namespace swiftlet::text
