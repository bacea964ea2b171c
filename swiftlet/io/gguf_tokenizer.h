// The tokenizer inside a GGUF file, as the text of a tokenizer.json.
#pragma once

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/gguf.h"

namespace swiftlet {

// By tokenizer.ggml.model: "llama" (SentencePiece byte pairs: scores, fall-back to bytes), "gpt2" (byte-level
// byte pairs: merges, words cut as tokenizer.ggml.pre says), "bert" (WordPiece). kNone where the file has no
// tokenizer. Throws kUnsupported for other models and pre-tokenizers, listing those that are known; kInvalid
// for lists that do not fit together, ids out of range and text that is not UTF-8.
TokenizerSource gguf_tokenizer(const GgufFile& file);

// The ids that begin, end and fill texts. Chat models end an answer with a token of their own
// ("<|im_end|>", ...): those of the known names that are control tokens count as ends too.
GenerationConfig gguf_generation(const GgufFile& file);

// tokenizer.chat_template; empty when there is none.
std::string gguf_chat_template(const GgufFile& file);

}  // namespace swiftlet
