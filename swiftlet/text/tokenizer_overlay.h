// What the files beside a tokenizer.json change in it: the classes of transformers put tokenizer_config.json,
// special_tokens_map.json and added_tokens.json on top of what the file says.
#pragma once

#include <string>

#include "swiftlet/text/json_view.h"
#include "swiftlet/text/token_settings.h"

namespace swiftlet::text {

// The members of the tokenizer.json `root` that change, with their new values; an empty object when it stands
// as it is. Changes are
//   added_tokens    tokens that it lacks, with the next ids, and marks of tokens that are told otherwise
//   normalizer      capitals, accents and ideographs of the classes of BERT
//   pre_tokenizer, normalizer, post_processor, decoder
//                   add_prefix_space, of byte-level classes and of Llama's
// `vocabulary` is its model's; `where` names the file in warnings, which tell what is known and not applied.
OrderedJson changes_beside(const JsonView& root, const Vocabulary& vocabulary, const TokenSettings& settings,
                           const std::string& where);

// The text of the tokenizer.json `root` with the members of `changes` in place of its own.
std::string with_members(const JsonView& root, const OrderedJson& changes);

}  // namespace swiftlet::text
