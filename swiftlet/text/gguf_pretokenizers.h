// How byte-level tokenizers cut a text into words before they join bytes, by the names that GGUF files give
// in tokenizer.ggml.pre. A file has only the name; the regular expressions are those of the tokenizer.json
// files of the models that the name stands for. Adding one is a row of the table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet::text {

struct GgufPreTokenizer {
  std::vector<std::string_view> names;
  // Applied one after the other: each cuts the pieces that the one before left at its matches.
  std::vector<std::string_view> expressions;
  bool ignore_merges = false;  // a word that is a token is that token, merges or not
  bool add_bos = false;        // unless tokenizer.ggml.add_bos_token says otherwise
  bool compose = false;        // texts are brought into normalization form C first
};

// Null for a name that is not known.
const GgufPreTokenizer* find_gguf_pretokenizer(std::string_view name);
// The row that says just this; null when there is none.
const GgufPreTokenizer* find_gguf_pretokenizer(const std::vector<std::string>& expressions,
                                               bool ignore_merges, bool compose);
// "default, gpt-2, ...".
std::string known_gguf_pretokenizers();

}  // namespace swiftlet::text
