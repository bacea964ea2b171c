#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/error.h"
#include "swiftlet/kernels/amx/amx.h"
#include "swiftlet/kernels/avx2/avx2.h"
#include "swiftlet/kernels/avx512/avx512.h"
#include "swiftlet/kernels/avxvnni/avxvnni.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"
#include "swiftlet/kernels/scalar/scalar.h"

namespace swiftlet::kernels {
namespace {

// What a level needs and the processor lacks, in words; empty when nothing.

std::string_view lacks_nothing(const CpuInfo&) {
  return "";
}

std::string_view lacks_for_avx2(const CpuInfo& cpu) {
  return !cpu.avx2 ? "AVX2" : !cpu.fma ? "FMA" : !cpu.f16c ? "F16C" : "";
}

KernelTable make_avx2() {
  static const LinearKernels linear{
      .f32 = &avx2_linear_f32(), .int8 = &avx2_linear_int8(), .blocks = &avx2_linear_blocks()};
  return {
      .isa = "avx2", .linear = &linear, .rows = avx2_row_kernels(), .attention = avx2_attention_kernels()};
}

std::string_view lacks_for_avxvnni(const CpuInfo& cpu) {
  return !cpu.avx_vnni ? "AVX-VNNI" : lacks_for_avx2(cpu);
}

// The AVX2 table with matrix products in int8 of its own.
KernelTable make_avxvnni() {
  static const LinearKernels linear{
      .f32 = &avx2_linear_f32(), .int8 = &avxvnni_linear_int8(), .blocks = &avxvnni_linear_blocks()};
  KernelTable table = make_avx2();
  table.isa = "avxvnni";
  table.linear = &linear;
  return table;
}

// AVX-512 without VNNI (Skylake) is served by the AVX2 table.
std::string_view lacks_for_avx512(const CpuInfo& cpu) {
  return !cpu.avx512 ? "AVX-512 F, BW, VL, DQ" : !cpu.avx512_vnni ? "AVX-512 VNNI" : lacks_for_avx2(cpu);
}

KernelTable make_avx512() {
  static const LinearKernels linear{
      .f32 = &avx512_linear_f32(),
      .bf16 = cpu_info().avx512_bf16 ? &avx512_linear_bf16() : nullptr,
      .int8 = &avx512_linear_int8(),
      .blocks = &avx512_linear_blocks(),
  };
  KernelTable table{.isa = "avx512",
                    .linear = &linear,
                    .rows = avx512_row_kernels(),
                    .attention = avx512_attention_kernels()};
  if (cpu_info().avx512_bf16) table.attention.attend_chunk_bf16 = avx512_attend_chunk_bf16();
  return table;
}

std::string_view lacks_for_amx(const CpuInfo& cpu) {
  if (!cpu.amx_int8 || !cpu.amx_bf16) return !cpu.amx_int8 ? "AMX-INT8" : "AMX-BF16";
  if (!cpu.avx512_bf16) return "AVX-512 BF16";
  const std::string_view lacking = lacks_for_avx512(cpu);
  return !lacking.empty() ? lacking : !request_tile_registers() ? "permission for AMX tile registers" : "";
}

// The AVX-512 table with matrix products, and those of attention in bf16, of its own.
KernelTable make_amx() {
  static const LinearKernels linear{.f32 = &avx512_linear_f32(),
                                    .bf16 = &amx_linear_bf16(),
                                    .int8 = &amx_linear_int8(),
                                    .blocks = &avx512_linear_blocks(),
                                    .row_blocks = &amx_linear_row_blocks()};
  KernelTable table = make_avx512();
  table.isa = "amx";
  table.linear = &linear;
  table.attention.attend_chunk_bf16 = amx_attend_chunk_bf16();
  return table;
}

// One row per instruction set, slowest first. The functions that fill a table are called only on a machine
// that can run them.
struct Level {
  std::string_view isa;
  std::string_view (*lacks)(const CpuInfo& cpu);
  KernelTable (*make)();
};

constexpr Level kLevels[] = {
    {"scalar", lacks_nothing,
     [] {
       return KernelTable{.isa = "scalar",
                          .linear = &scalar_linear_kernels(),
                          .rows = scalar_row_kernels(),
                          .attention = scalar_attention_kernels()};
     }},
    {"avx2", lacks_for_avx2, make_avx2},
    {"avxvnni", lacks_for_avxvnni, make_avxvnni},
    {"avx512", lacks_for_avx512, make_avx512},
    {"amx", lacks_for_amx, make_amx},
};

std::vector<const KernelTable*> make_available() {
  static std::vector<KernelTable> tables;
  for (const Level& level : kLevels)
    if (level.lacks(cpu_info()).empty()) tables.push_back(level.make());
  std::vector<const KernelTable*> pointers;
  for (const KernelTable& table : tables) pointers.push_back(&table);
  return pointers;
}

}  // namespace

const std::vector<const KernelTable*>& available_tables() {
  static const std::vector<const KernelTable*> tables = make_available();
  return tables;
}

std::vector<std::string_view> table_names() {
  std::vector<std::string_view> names;
  for (const Level& level : kLevels) names.push_back(level.isa);
  return names;
}

std::string_view missing_for(std::string_view isa) {
  for (const Level& level : kLevels)
    if (level.isa == isa) return level.lacks(cpu_info());
  fail(ErrorCode::kUsage, "isa", "expected one of {}, got \"{}\"", fmt::join(table_names(), ", "), isa);
}

const KernelTable& table_for(std::string_view isa) {
  const std::string_view missing = missing_for(isa);
  if (!missing.empty())
    fail(ErrorCode::kUnsupported, "isa", "this machine ({}) cannot run {}: it lacks {}; its best is {}",
         cpu_info().name, isa, missing, available_tables().back()->isa);
  return **std::find_if(available_tables().begin(), available_tables().end(),
                        [&](const KernelTable* table) { return table->isa == isa; });
}

const KernelTable& default_table() {
  static const KernelTable& table = []() -> const KernelTable& {
    const char* forced = std::getenv("SWIFTLET_ISA");
    return forced != nullptr && *forced != '\0' ? table_for(forced) : *available_tables().back();
  }();
  return table;
}

}  // namespace swiftlet::kernels
