// What the processor and the operating system grant: instruction sets, caches, memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace swiftlet {

struct CpuInfo {
  std::string name;  // "AMD EPYC 9354 32-Core Processor"
  bool avx2 = false, fma = false, f16c = false;
  bool avx_vnni = false;
  bool avx512 = false;  // F, BW, VL and DQ, with the registers enabled by the operating system
  bool avx512_vnni = false, avx512_bf16 = false;
  bool amx_int8 = false,
       amx_bf16 = false;  // present in the processor; use needs a permission, see kernels/amx
};

// Read once, then constant; thread-safe.
const CpuInfo& cpu_info();

// Asks the operating system to let this process, with all its threads, use the tile registers of AMX. Asked
// once; false where the processor or the system has none. Thread-safe.
bool request_tile_registers();

// Bytes of physical memory, and those that can be had now without swapping (capped by a cgroup limit).
std::uint64_t total_memory_bytes();
std::uint64_t available_memory_bytes();
// Throws kMemory "[where] needs 12.3 GB of memory, 4.0 GB are available".
void check_fits(std::string_view where, std::uint64_t bytes);
// The largest resident set of this process since it started, or since reset_peak_memory().
std::uint64_t peak_memory_bytes();
// Gives freed memory back to the system and starts a new peak, so that one process can measure several
// models.
void reset_peak_memory();

}  // namespace swiftlet
