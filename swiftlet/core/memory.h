// Memory that the machine, or the control group that this process lives in, has and leaves. All functions are
// thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace swiftlet {

// Bytes of physical memory, and those that can be had now without swapping (capped by the control group).
std::uint64_t total_memory_bytes();
std::uint64_t available_memory_bytes();
// Throws kMemory "[where] needs 12.3 GB of memory, 4.0 GB are available".
void check_fits(std::string_view where, std::uint64_t bytes);

// What the memory limits of the control group and of those above it leave, versions 1 and 2; the largest
// number where there is none. Pages of files count as left: the system drops them first. `root` is "/", or a
// test's.
std::uint64_t control_group_memory_bytes(const std::filesystem::path& root = "/");

// The largest resident set of this process since it started, or since reset_peak_memory().
std::uint64_t peak_memory_bytes();
// Gives freed memory back to the system and starts a new peak, so that one process can measure several
// models.
void reset_peak_memory();

}  // namespace swiftlet
