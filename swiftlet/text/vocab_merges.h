// vocab.json with merges.txt: byte-pair encoding as transformers stored it before tokenizer.json.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/text/token_settings.h"

namespace swiftlet::text {

// The tokenizer.json that gives the same ids: the class that `settings` name decides how texts are normalized
// and cut and what is put around them; without one it is GPT-2's. Throws kInvalid naming file and place,
// kUnsupported for a class that is not known.
TokenizerText convert_vocab_merges(std::string_view vocab, std::string_view merges,
                                   const TokenSettings& settings, const std::string& where,
                                   const std::string& merges_where);

}  // namespace swiftlet::text
