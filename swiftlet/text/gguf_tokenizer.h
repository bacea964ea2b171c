// The tokenizer inside a GGUF file, as the text of a tokenizer.json.
#pragma once

#include "swiftlet/io/gguf.h"
#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::text {

// By tokenizer.ggml.model: "llama" (SentencePiece byte pairs: scores, fall-back to bytes), "gpt2" (byte-level
// byte pairs: merges, words cut as tokenizer.ggml.pre says), "bert" (WordPiece). Throws kUnsupported for
// other models and pre-tokenizers, listing those that are known; kInvalid for lists that do not fit together,
// ids out of range and text that is not UTF-8. REQUIRES: gguf_tokenizer_model(file).
TokenizerText convert_gguf(const GgufFile& file);

}  // namespace swiftlet::text
