// Tokenizer files of every kind, written as a tokenizer.json.
#pragma once

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::text {

// Of what a checkpoint holds. Throws swiftlet::Error; kNotFound when it has no tokenizer.
TokenizerText text_of(const TokenizerSource& source);

}  // namespace swiftlet::text
