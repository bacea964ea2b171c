// The regular expressions of GPT-2, Llama 3 and Qwen2, which cut most texts that are ever tokenized, written
// by hand: they find what the regular expression finds (pattern_scanner_test.cpp compares them), several
// times as fast. Pure functions, any thread.
#pragma once

#include <string_view>
#include <vector>

#include "swiftlet/text/tokenized_text.h"

namespace swiftlet::text {

// Appends the places of all matches in a valid UTF-8 text, from left to right.
using PatternScanner = void (*)(std::string_view text, std::vector<Span>& out);

// The scanner that does what `pattern` does, or null where there is none.
PatternScanner find_scanner(std::string_view pattern);

}  // namespace swiftlet::text
