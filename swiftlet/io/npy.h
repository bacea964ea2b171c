// NumPy's .npy files of f32 matrices, format version 1.0 (numpy.lib.format): how embeddings leave the
// program.
//
//   "\x93NUMPY" 1 0 | header length u16 | {'descr': '<f4', 'fortran_order': False, 'shape': (N, D), } ...
//   "\n" | data
//
// The header is padded with spaces to 128 bytes, so that the data are aligned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace swiftlet {

// A matrix [rows, columns >= 1], row-major. The file appears whole or not at all. Throws kIo.
void write_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t columns);

}  // namespace swiftlet
