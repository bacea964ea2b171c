#include <fmt/ranges.h>

#include <cstdlib>

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/error.h"
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"
#include "swiftlet/kernels/scalar/scalar.h"

namespace swiftlet::kernels {
namespace {

bool runs_always(const CpuInfo&) {
  return true;
}

bool runs_avx2(const CpuInfo& cpu) {
  return cpu.avx2 && cpu.fma && cpu.f16c;
}

KernelTable make_avx2() {
  static const LinearKernels linear{.f32 = &avx2_linear_f32(), .int8 = &avx2_linear_int8()};
  return {
      .isa = "avx2", .linear = &linear, .rows = avx2_row_kernels(), .attention = avx2_attention_kernels()};
}

// AVX-512 without VNNI (Skylake) is served by the AVX2 table.
bool runs_avx512(const CpuInfo& cpu) {
  return cpu.avx512_vnni && runs_avx2(cpu);
}

KernelTable make_avx512() {
  static const LinearKernels linear{
      .f32 = &avx512_linear_f32(),
      .bf16 = cpu_info().avx512_bf16 ? &avx512_linear_bf16() : nullptr,
      .int8 = &avx512_linear_int8(),
  };
  return {.isa = "avx512",
          .linear = &linear,
          .rows = avx512_row_kernels(),
          .attention = avx512_attention_kernels()};
}

// One row per instruction set, slowest first. The functions that fill a table are called only on a machine
// that can run them.
struct Level {
  std::string_view isa;
  bool (*runs_on)(const CpuInfo& cpu);
  KernelTable (*make)();
};

constexpr Level kLevels[] = {
    {"scalar", runs_always,
     [] {
       return KernelTable{.isa = "scalar",
                          .linear = &scalar_linear_kernels(),
                          .rows = scalar_row_kernels(),
                          .attention = scalar_attention_kernels()};
     }},
    {"avx2", runs_avx2, make_avx2},
    {"avx512", runs_avx512, make_avx512},
};

const Level* find_level(std::string_view isa) {
  for (const Level& level : kLevels)
    if (level.isa == isa) return &level;
  return nullptr;
}

std::vector<std::string_view> level_names() {
  std::vector<std::string_view> names;
  for (const Level& level : kLevels) names.push_back(level.isa);
  return names;
}

std::vector<const KernelTable*> make_available() {
  static std::vector<KernelTable> tables;
  for (const Level& level : kLevels)
    if (level.runs_on(cpu_info())) tables.push_back(level.make());
  std::vector<const KernelTable*> pointers;
  for (const KernelTable& table : tables) pointers.push_back(&table);
  return pointers;
}

}  // namespace

const std::vector<const KernelTable*>& available_tables() {
  static const std::vector<const KernelTable*> tables = make_available();
  return tables;
}

const KernelTable& table_for(std::string_view isa) {
  if (find_level(isa) == nullptr)
    fail(ErrorCode::kUsage, "isa", "expected one of {}, got \"{}\"", fmt::join(level_names(), ", "), isa);
  for (const KernelTable* table : available_tables())
    if (table->isa == isa) return *table;
  fail(ErrorCode::kUnsupported, "isa", "this machine ({}) cannot run {}; its best is {}", cpu_info().name,
       isa, available_tables().back()->isa);
}

const KernelTable& default_table() {
  static const KernelTable& table = []() -> const KernelTable& {
    const char* forced = std::getenv("SWIFTLET_ISA");
    return forced != nullptr && *forced != '\0' ? table_for(forced) : *available_tables().back();
  }();
  return table;
}

}  // namespace swiftlet::kernels
