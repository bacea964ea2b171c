// What the folder scalar/ exports to the dispatcher: the definition of every kernel, compiled for baseline
// x86-64.
#pragma once

#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {

const LinearKernels& scalar_linear_kernels();
RowKernels scalar_row_kernels();
AttentionKernels scalar_attention_kernels();

}  // namespace swiftlet::kernels
