#include "swiftlet/kernels/modelled_tables.h"

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/kernels/avxvnni/avxvnni.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

// The instruction of AVX-VNNI in the encoding of AVX-512.
ModelledTable avxvnni_over_evex() {
  const std::string_view missing = missing_for("avx512");
  if (!missing.empty()) return {.name = "avxvnni_evex", .missing = missing};
  static const LinearKernels linear{.int8 = &avxvnni_linear_int8_evex()};
  static const KernelTable table{.isa = "avxvnni_evex", .linear = &linear};
  return {.name = table.isa, .table = &table};
}

}  // namespace

std::vector<ModelledTable> modelled_tables() {
  return {avxvnni_over_evex()};
}

}  // namespace swiftlet::kernels
