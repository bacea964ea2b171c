// Finds the files of a tokenizer; swiftlet/text reads them.
#pragma once

#include <filesystem>
#include <string_view>

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// What a model's folder holds: tokenizer.json, vocab.txt, vocab.json with merges.txt, a SentencePiece model
// under one of its usual names, *.tiktoken or tokenizer.bin, the first of these, and the small files that
// count for it. Of kind kNone when there is none.
TokenizerSource find_tokenizer(const std::filesystem::path& folder);

// The same of a folder, of one of these files, or of a GGUF file. Throws kNotFound when there is none.
TokenizerSource open_tokenizer(const std::filesystem::path& path);

// Whether files of this name hold a tokenizer, or count for one that lies beside them.
bool is_tokenizer_file(std::string_view name);
bool is_beside_tokenizer(std::string_view name);

}  // namespace swiftlet
