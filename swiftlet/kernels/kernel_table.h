// KernelTable: the function pointers of one instruction set, chosen once at start.
//
// SWIFTLET_ISA=scalar|avx2|avxvnni|avx512|amx forces a level; an unknown or unsupported name is an Error.
#pragma once

#include <string_view>
#include <vector>

#include "swiftlet/kernels/attention.h"
#include "swiftlet/kernels/rows.h"

namespace swiftlet::kernels {

// Prepared activations and tile kernels of the matrix products; defined in linear_kernels.h (internal).
struct LinearKernels;

struct KernelTable {
  std::string_view isa;  // "scalar", "avx2", "avxvnni", "avx512", "amx"
  const LinearKernels* linear = nullptr;
  RowKernels rows;
  AttentionKernels attention;
};

// The tables that this machine can run, slowest first; never empty.
const std::vector<const KernelTable*>& available_tables();
// All names, slowest first, and what this machine lacks to run the table of one ("AVX-VNNI"; empty when it
// can). Throws kUsage when the name is not known.
std::vector<std::string_view> table_names();
std::string_view missing_for(std::string_view isa);
// The table of that name. Throws kUsage when it is not known, kUnsupported when this machine lacks it.
const KernelTable& table_for(std::string_view isa);
// The best available one, or what SWIFTLET_ISA says. Resolved once; thread-safe.
const KernelTable& default_table();

}  // namespace swiftlet::kernels
