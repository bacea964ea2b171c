// Sizes of GGUF values. Only for the reader of the format.
#pragma once

#include "swiftlet/io/gguf.h"

namespace swiftlet {

// Bytes of a scalar; of a string at least (its length). REQUIRES: not kArray.
inline std::uint64_t gguf_bytes(GgufKind kind) {
  switch (kind) {
    case GgufKind::kU8:
    case GgufKind::kI8:
    case GgufKind::kBool:
      return 1;
    case GgufKind::kU16:
    case GgufKind::kI16:
      return 2;
    case GgufKind::kU32:
    case GgufKind::kI32:
    case GgufKind::kF32:
      return 4;
    default:
      return 8;
  }
}

}  // namespace swiftlet
