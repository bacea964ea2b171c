// BERT's vocab.txt: one token a line.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/text/token_settings.h"

namespace swiftlet::text {

// The tokenizer.json that gives the same ids, with the capitals, accents and special tokens that `settings`
// say. Throws kInvalid "[where: line n] what was expected, what came".
TokenizerText convert_vocab_txt(std::string_view vocab, const TokenSettings& settings,
                                const std::string& where);

// The same of tokens that were read already; `own` are found in texts as a whole.
TokenizerText convert_word_pieces(const Vocabulary& vocabulary, const TokenSettings& settings,
                                  std::vector<NamedToken> own, const std::string& where);

}  // namespace swiftlet::text
