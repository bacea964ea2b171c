// Numbers as people read them. Sizes are decimal (1 MB = 1,000,000 bytes).
#pragma once

#include <cstdint>
#include <string>

namespace swiftlet::cli {

std::string human_bytes(std::int64_t bytes);  // "14.0 MB"
std::string grouped(std::int64_t number);     // "102,578"
// About four significant digits: "12,345", "532.1", "32.86", "0.8203".
std::string human_number(double number);
std::string human_seconds(double seconds);  // "340 ms", "12.3 s", "2 min 5 s"
std::string clock_time(double seconds);     // "0:05", "1:02:03"

}  // namespace swiftlet::cli
