// Characters that today's Unicode counts as controls, marks or punctuation and Unicode 8 did not.
//
// BERT-style vocabularies were made with, and the field's tokenizers still carry, the categories of about
// Unicode 8. A mark that came later is an ordinary character to them. To give the same ids, the categories of
// unicode.h leave these characters out; the ranges were found by asking the reference implementation about
// every code point.
#pragma once

namespace swiftlet::text {

bool is_newer_control(char32_t code);
bool is_newer_nonspacing_mark(char32_t code);
bool is_newer_mark(char32_t code);
bool is_newer_punctuation(char32_t code);

}  // namespace swiftlet::text
