// Rounding to block formats: to Swiftlet's own and to those of GGUF that are simple. The others come from
// files alone.
#pragma once

#include <cstdint>
#include <string>

#include "swiftlet/encoding/encoding.h"

namespace swiftlet {

bool rounds_to_blocks(Format format) noexcept;

// Rounds a row of k finite values, whole blocks, into a panel of zeros. Throws kUnsupported, naming `where`,
// for values beyond the range of the format's scales. REQUIRES: rounds_to_blocks(format).
void round_to_blocks(Format format, const float* values, std::int64_t k, std::uint8_t* panel,
                     std::int64_t lane, const std::string& where);

}  // namespace swiftlet
