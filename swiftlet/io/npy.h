// NumPy's .npy files of f32 matrices, format version 1.0 (numpy.lib.format): how embeddings leave the
// program.
//
//   "\x93NUMPY" 1 0 | header length u16 | {'descr': '<f4', 'fortran_order': False, 'shape': (N, D), } ...
//   "\n" | data
//
// The header is padded with spaces to 128 bytes, so that the data are aligned and the row count, known only
// at the end, fits in whatever it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "swiftlet/core/file.h"
#include "swiftlet/core/tensor.h"

namespace swiftlet {

// Writes a matrix [N, columns] row by row without holding it. The file appears whole with commit(), or not at
// all. One thread at a time.
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, std::int64_t columns);  // columns >= 1
  // Whole rows: a multiple of `columns` values. Throws kIo when the file cannot grow.
  void append(std::span<const float> rows);
  std::int64_t rows() const { return rows_; }
  void commit();

 private:
  OutputFile file_;
  std::int64_t columns_;
  std::int64_t rows_ = 0;
};

// The whole matrix [rows, columns] at once.
void write_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t columns);

// Maps a file of little-endian f32 in C order, of any rank. Reads versions 1.0, 2.0 and 3.0. Throws kInvalid
// for a malformed or truncated file, kUnsupported for another element type or Fortran order.
Tensor read_npy(const std::filesystem::path& path);

}  // namespace swiftlet
