// What the processor and the operating system grant: instruction sets.
#pragma once

#include <string>

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

}  // namespace swiftlet
