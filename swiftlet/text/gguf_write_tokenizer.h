// A tokenizer as the keys of a GGUF file: the way back of gguf_tokenizer.h.
#pragma once

#include "swiftlet/io/gguf_writer.h"
#include "swiftlet/text/tokenizer.h"

namespace swiftlet::text {

// Byte-level byte pairs as "gpt2", byte pairs with a fall-back to bytes as "llama", WordPiece as "bert".
// `rows`: how many tokens the model has; those without a text become unused ones. Throws kUnsupported,
// naming `where`, for other models, for cuts into words that the format has no name for (listing those that
// it has), and for a normalization that it cannot say.
GgufMetadata gguf_tokenizer_keys(const Tokenizer& tokenizer, std::int64_t rows, const std::string& where);

}  // namespace swiftlet::text
