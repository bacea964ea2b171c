// Kernel tables for tests alone: kernels of an instruction set that few machines have, over a stand-in for
// its instructions that most have. The program never runs them.
#pragma once

#include <string_view>
#include <vector>

#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {

struct ModelledTable {
  std::string_view name;     // "avxvnni_evex"
  std::string_view missing;  // what this machine lacks even for the stand-in; empty when nothing
  const KernelTable* table =
      nullptr;  // null when something is missing; has matrix products alone, and attention in bf16 over AVX2
};

std::vector<ModelledTable> modelled_tables();

}  // namespace swiftlet::kernels
