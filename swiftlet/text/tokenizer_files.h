// Tokenizer files of other kinds, written as a tokenizer.json.
#pragma once

#include <filesystem>
#include <string>

#include "swiftlet/io/checkpoint.h"

namespace swiftlet::text {

struct TokenizerSource {
  std::string json;   // the text of a tokenizer.json
  std::string where;  // the file it came from, for errors
};

// Finds and reads what Tokenizer::load() accepts. Throws swiftlet::Error.
TokenizerSource read_tokenizer_source(const std::filesystem::path& path);

// The same of what a checkpoint holds, with its tokenizer_config.json. REQUIRES: it has a tokenizer.
std::string json_of(const swiftlet::TokenizerSource& source);

// The text of a BERT vocab.txt and of its tokenizer_config.json ("" when there is none).
std::string json_of_vocab_txt(const std::string& vocab, const std::string& config, const std::string& where,
                              const std::string& config_where);
// The bytes of a tokenizer.bin of llama2.c.
std::string json_of_llama2c(const std::string& bytes, const std::string& where);
// A tokenizer.json with the roles of tokens that a tokenizer_config.json names put into its "swiftlet"
// member.
std::string with_roles(const std::string& json, const std::string& config, const std::string& config_where);

}  // namespace swiftlet::text
