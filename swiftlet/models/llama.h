// Llama (Touvron et al., 2023; Llama 1 to 3.x): decoder with RMSNorm, rotary positions, grouped heads,
// SwiGLU.
#pragma once

#include "swiftlet/models/family.h"

namespace swiftlet::models {

extern const Family kLlama;

}  // namespace swiftlet::models
