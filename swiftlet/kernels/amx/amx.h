// What the folder amx/ exports to the dispatcher: AMX tiles, AMX-INT8 and AMX-BF16 beside the instruction
// sets of avx512/avx512.h, whose rules for files hold here too.
//
// Used only after the operating system granted the tile registers (core/cpu_info.h). The registers of a
// thread are configured at the start of each unit of work and released at its end.
#pragma once

#include "swiftlet/kernels/attention.h"

namespace swiftlet::kernels {

struct LinearPath;

AttendChunk* amx_attend_chunk_bf16();
const LinearPath& amx_linear_bf16();
const LinearPath& amx_linear_int8();
const LinearPath& amx_linear_row_blocks();

}  // namespace swiftlet::kernels
