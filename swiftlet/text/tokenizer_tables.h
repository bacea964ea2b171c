// The tables of a tokenizer as one blob that is used as it is mapped: what a native file carries beside the
// text of the tokenizer.json, so that loading takes milliseconds. docs/file-format.md draws it.
//
// Reading checks all that lookups rest on; the tables share the mapping.
#pragma once

#include <string>
#include <string_view>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/text/tokenizer_json.h"

namespace swiftlet::text {

// `settings`: a tokenizer.json without "vocab" and "merges" of its model.
std::string write_tables(std::string_view settings, const ModelTables& tables);
// The settings of a whole tokenizer.json. REQUIRES: it was read without an error.
std::string settings_of(const std::string& json);
// Of source.tables; source.bytes is the whole tokenizer.json. Throws kInvalid naming the place; for tables of
// another version, which another Swiftlet wrote, the text is to be parsed.
TokenizerText read_tables(const TokenizerSource& source);

}  // namespace swiftlet::text
