// Text that comes from files or from the network, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace swiftlet {

// Control characters (C0, DEL, and C1 in UTF-8) become '?', so that a name in a file can neither end the line
// nor steer the terminal. All other bytes stay.
std::string one_line(std::string_view text);

}  // namespace swiftlet
