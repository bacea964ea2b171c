// What the folder avx512/ exports to the dispatcher: AVX-512 F, BW, VL, DQ and VNNI.
//
// Files of this folder keep all they define in an anonymous namespace, call no inline function of another
// header and instantiate no standard template: the linker might hand such a copy, compiled for this
// instruction set, to an old processor. Each exports one of the functions below and nothing else.
#pragma once

#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {

struct LinearPath;

const LinearPath& avx512_linear_f32();
const LinearPath& avx512_linear_bf16();  // only where the processor has AVX512_BF16
const LinearPath& avx512_linear_int8();
const LinearPath& avx512_linear_blocks();
RowKernels avx512_row_kernels();
AttentionKernels avx512_attention_kernels();
AttendChunk* avx512_attend_chunk_bf16();  // only where the processor has AVX512_BF16

}  // namespace swiftlet::kernels
