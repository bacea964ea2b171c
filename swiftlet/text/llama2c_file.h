// tokenizer.bin of llama2.c: the pieces and scores of a SentencePiece BPE model.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::text {

// The tokenizer.json that gives the same ids: merges in the order of their results' scores, as transformers
// derives them. llama2.c spells special tokens of a text as text ("split_special_tokens"). Throws kInvalid
// "[where] what was expected, what came".
TokenizerText convert_llama2c(std::string_view bytes, const std::string& where);

}  // namespace swiftlet::text
