// The table of architectures behind gguf_model.h. To add one: a row, and its names and keys where they are
// its own; models/ must have the family under the row's model_type.
#pragma once

#include "swiftlet/io/gguf_model.h"

namespace swiftlet {

std::span<const GgufArchitecture> gguf_architectures();

}  // namespace swiftlet
