// The experts of gpt-oss as they are published: MXFP4 (OCP Microscaling Formats v1.0), 32 values of four bits
// that share a power of two, stacked by layer:
//
//   experts.gate_up_proj_blocks u8 [experts, 2 * I, H / 32, 16]   byte j: elements 2j (low nibble) and 2j + 1
//   experts.gate_up_proj_scales u8 [experts, 2 * I, H / 32]       exponent + 127
//   experts.down_proj_blocks, experts.down_proj_scales            the same of [H, I]
//
// Rows of gates and ups take turns. They become int8-g32 with the same values. Only for swiftlet/io.
#pragma once

#include <memory>
#include <vector>

#include "swiftlet/io/prequantized.h"

namespace swiftlet {

// Takes them out of a checkpoint, every expert and projection as a matrix of its own.
std::vector<std::shared_ptr<const QuantizedMatrix>> take_mxfp4_experts(Checkpoint& checkpoint);

}  // namespace swiftlet
