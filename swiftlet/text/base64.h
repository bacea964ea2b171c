// Base64 (RFC 4648, section 4), as tokenizer files carry binary tables and tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swiftlet::text {

// Nothing when `text` is not base64 with its padding.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace swiftlet::text
