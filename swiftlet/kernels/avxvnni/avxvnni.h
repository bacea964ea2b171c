// What the folder avxvnni/ exports to the dispatcher: AVX2, FMA, F16C and AVX-VNNI. The rules of the folder
// are those of avx2/avx2.h.
#pragma once

namespace swiftlet::kernels {

struct LinearPath;

const LinearPath& avxvnni_linear_int8();
const LinearPath& avxvnni_linear_blocks();
// The same kernels over the EVEX encoding of their one instruction (AVX-512 VL and VNNI): for tests on
// processors that have the instruction in that encoding alone.
const LinearPath& avxvnni_linear_int8_evex();
const LinearPath& avxvnni_linear_blocks_evex();

}  // namespace swiftlet::kernels
