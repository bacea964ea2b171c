// What the metadata of a GGUF file tell of its tokens: texts, types, roles, the ends of answers and the chat
// template. swiftlet/text makes the tokenizer of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/gguf.h"

namespace swiftlet {

// tokenizer.ggml.token_type
enum class GgufTokenType : std::int64_t {
  kUndefined,
  kNormal,
  kUnknown,
  kControl,
  kUserDefined,
  kUnused,
  kByte
};

struct GgufVocabulary {
  std::vector<std::string_view> tokens;  // by id; they point into the file
  std::vector<GgufTokenType> types;      // by id
  // Ids below tokens.size().
  std::optional<std::int64_t> bos, eos, unk, pad, cls, sep, mask;
  std::optional<bool> add_bos, add_eos;  // around texts

  std::string_view token(std::int64_t id) const { return tokens[static_cast<std::size_t>(id)]; }
};

inline constexpr std::string_view kGgufTokensKey = "tokenizer.ggml.tokens";
inline constexpr std::string_view kGgufScoresKey = "tokenizer.ggml.scores";
inline constexpr std::string_view kGgufCharsmapKey = "tokenizer.ggml.precompiled_charsmap";
inline constexpr std::string_view kGgufTemplateKey = "tokenizer.chat_template";

// tokenizer.ggml.model; nullopt for a file without tokenizer.
std::optional<std::string_view> gguf_tokenizer_model(const GgufFile& file);

// The tokenizer as a source; of kind kNone for a file without.
TokenizerSource gguf_tokenizer(std::shared_ptr<const GgufFile> file);

// Throws kInvalid for lists that do not fit together and ids out of range.
GgufVocabulary read_gguf_vocabulary(const GgufFile& file);

// The ids that begin, end and fill texts. Chat models end an answer with a token of their own
// ("<|im_end|>", ...): those of the known names that are control tokens count as ends too.
GenerationConfig gguf_generation(const GgufFile& file);

// tokenizer.chat_template; empty when there is none.
std::string gguf_chat_template(const GgufFile& file);
// Those beside it, by name: tokenizer.chat_template.<name>.
std::map<std::string, std::string> gguf_named_templates(const GgufFile& file);

}  // namespace swiftlet
