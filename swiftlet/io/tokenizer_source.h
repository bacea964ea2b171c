// Finds the files of a tokenizer; swiftlet/text reads them.
#pragma once

#include <filesystem>

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// What a model's folder holds: tokenizer.json, vocab.txt, vocab.json with merges.txt, a SentencePiece model
// under one of its usual names, *.tiktoken or tokenizer.bin, the first of these, and the small files that
// count for it. Of kind kNone when there is none.
TokenizerSource find_tokenizer(const std::filesystem::path& folder);

// The same of a folder, of one of these files, or of a GGUF file. Throws kNotFound when there is none.
TokenizerSource open_tokenizer(const std::filesystem::path& path);

}  // namespace swiftlet
