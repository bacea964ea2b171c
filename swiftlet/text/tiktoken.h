// tiktoken files: a token in base64 and its rank on every line (Llama 3's tokenizer.model, qwen.tiktoken).
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/text/token_settings.h"

namespace swiftlet::text {

// The tokenizer.json that gives the same ids: byte-level BPE whose tokens join when their bytes together are
// a token, the lowest rank first. The file tells no pattern and no special tokens: the class that `settings`
// name and the names of its special tokens do ("Qwen"); without them they are those of Llama 3 and its 256
// special tokens. Throws kInvalid "[where: line n] what was expected, what came".
TokenizerText convert_tiktoken(std::string_view bytes, const TokenSettings& settings,
                               const std::string& where);

}  // namespace swiftlet::text
