// Letters and numbers as Python's str sees them: case mapping, and the questions isdigit(), isupper(), ...
//
// Data by utf8proc, with the letters that become several when their case changes. Texts must be valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace swiftlet::text::jinja {

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);  // the first letter in title case, the others lower
std::string title(std::string_view text);       // every word so
std::string swapcase(std::string_view text);
std::string casefold(std::string_view text);

bool is_upper(char32_t code);
bool is_lower(char32_t code);
bool is_title(char32_t code);
bool is_alpha(char32_t code);
bool is_decimal(char32_t code);
bool is_digit(char32_t code);
bool is_number(char32_t code);
bool is_space(char32_t code);
bool is_printable(char32_t code);
bool is_identifier(std::string_view text);

}  // namespace swiftlet::text::jinja
