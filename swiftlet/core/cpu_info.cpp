#include "swiftlet/core/cpu_info.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace swiftlet {
namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

bool bit(unsigned word, int index) {
  return (word >> index) & 1u;
}

// XCR0: which register files the operating system saves on a context switch.
std::uint64_t enabled_state() {
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

std::string brand() {
  char text[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    std::memcpy(text + 16 * i, &r, 16);
  }
  std::string name(text);
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  return name;
}

CpuInfo detect() {
  CpuInfo info;
  info.name = brand();
  const Registers one = cpuid(1), seven = cpuid(7), seven_one = cpuid(7, 1);
  const bool saves_state = bit(one.ecx, 27);
  const std::uint64_t state = saves_state ? enabled_state() : 0;
  const bool ymm = (state & 0x6) == 0x6, zmm = (state & 0xe6) == 0xe6, tiles = (state & 0x60000) == 0x60000;
  info.avx2 = ymm && bit(seven.ebx, 5);
  info.fma = ymm && bit(one.ecx, 12);
  info.f16c = ymm && bit(one.ecx, 29);
  info.avx_vnni = ymm && bit(seven_one.eax, 4);
  info.avx512 = zmm && bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 30) && bit(seven.ebx, 31);
  info.avx512_vnni = info.avx512 && bit(seven.ecx, 11);
  info.avx512_bf16 = info.avx512 && bit(seven_one.eax, 5);
  info.amx_int8 = tiles && bit(seven.edx, 25);
  info.amx_bf16 = tiles && bit(seven.edx, 22);
  return info;
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect();
  return info;
}

bool request_tile_registers() {
  static const bool granted = [] {
    // Documentation/arch/x86/xstate.rst of Linux: large register files are saved only for those who ask.
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return cpu_info().amx_int8 && ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
}

}  // namespace swiftlet
