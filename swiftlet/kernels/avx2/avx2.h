// What the folder avx2/ exports to the dispatcher: AVX2, FMA and F16C.
//
// Files of this folder keep all they define in an anonymous namespace, call no inline function of another
// header and instantiate no standard template: the linker might hand such a copy, compiled for this
// instruction set, to an old processor. Each exports one of the functions below and nothing else.
#pragma once

#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {

struct LinearPath;

const LinearPath& avx2_linear_f32();
const LinearPath& avx2_linear_int8();
const LinearPath& avx2_linear_blocks();
RowKernels avx2_row_kernels();
AttentionKernels avx2_attention_kernels();
AttendChunk* avx2_attend_chunk_over_tile_model();  // for tests

}  // namespace swiftlet::kernels
