// Panel order: the one order of packed matrices, the same for every instruction set.
//
// A matrix W [N, K] is cut into panels of 16 rows (output channels); the last panel is filled up with zeros.
// Inside a panel the columns go in steps of the width that one dot-product instruction reads:
//
//   f32         [N/16][K][16]
//   f16, bf16   [N/16][K/2][16][2]
//   int8        [N/16][K/4][16][4]     one unsigned byte a code
//   int4        [N/16][K/8][16][4]     one byte holds two codes: low nibble from columns 8j+0..3,
//                                      high nibble from columns 8j+4..7
//   q4_k ...    [N/16][K/256][block]   blocks of columns with their scales, see block_formats.h
//
// Columns are filled up with zeros to the step, for integer formats inside each group: every group starts on
// a step, so that a kernel never meets two scales in one instruction. A filled-up code is the zero point; the
// activations that meet it are zero as well.
//
//   scales       per channel  f32 [N/16][16]          grouped  f16 [N/16][groups][16]
//   zero points  u8, same order as the scales; only asymmetric encodings
//
// Block formats have neither, and K is a multiple of the block.
#pragma once

#include <cstdint>

#include "swiftlet/encoding/encoding.h"

namespace swiftlet {

constexpr std::int64_t kPanelRows = 16;

struct PanelGeometry {
  std::int64_t n = 0, k = 0;          // logical extents
  std::int64_t panels = 0;            // ceil(n / 16)
  std::int64_t groups = 1;            // scales in a row
  std::int64_t group = 0;             // columns of a full group (k when per channel or not an integer format)
  std::int64_t padded_group = 0;      // columns of a full group after filling up to the step
  std::int64_t padded_k = 0;          // columns of a row after filling up
  std::int64_t panel_code_bytes = 0;  // bytes of one panel's codes
  std::int64_t scale_bytes = 0;       // bytes of one scale: 4 per channel, 2 grouped, 0 without `scales`
  std::int64_t code_bytes() const { return panels * panel_code_bytes; }
  std::int64_t scales_bytes() const { return panels * groups * kPanelRows * scale_bytes; }
};

// Throws Error when n or k is not positive, the group negative, or the sizes overflow.
PanelGeometry panel_geometry(const Encoding& encoding, std::int64_t n, std::int64_t k);

}  // namespace swiftlet
