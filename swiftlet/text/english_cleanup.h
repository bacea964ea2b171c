// Takes back the spaces that pre-tokenization put before English punctuation.
#pragma once

#include <string>
#include <string_view>

namespace swiftlet::text {

// From left to right; an empty `from` is found nowhere.
void replace_all(std::string& text, std::string_view from, std::string_view to);
void clean_up_english(std::string& text);

}  // namespace swiftlet::text
