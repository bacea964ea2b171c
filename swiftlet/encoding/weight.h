// Weight: a named parameter of a model in some encoding. Compression swaps the weight, nothing else.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/tensor.h"
#include "swiftlet/encoding/encoding.h"
#include "swiftlet/encoding/panel.h"

namespace swiftlet {

class ThreadPool;

enum class Layout : std::uint8_t {
  kRows,    // row-major, as checkpoints store it; float formats only
  kPanels,  // panel order, see panel.h
};

// The arithmetic of a matrix product: in which type the activations meet the weight.
enum class Arithmetic : std::uint8_t {
  kF32,   // activations in f32, weight decoded to f32
  kBF16,  // activations rounded to bf16, f32 accumulation
  kInt8,  // activations quantized to int8 per token on the fly, int32 accumulation
};

std::string_view to_string(Arithmetic arithmetic);  // "f32", "bf16", "int8"
std::optional<Arithmetic> parse_arithmetic(std::string_view name);

struct Weight {
  std::string name;  // canonical: the name in transformers
  Shape shape;       // [N, K]: output channels, input channels; [N] for vectors (always Layout::kRows)
  Encoding encoding;
  Layout layout = Layout::kRows;
  Arithmetic arithmetic =
      Arithmetic::kF32;  // with which the weight was certified; a program may lower it, never raise
  Buffer codes;          // shared: a mapped file or the heap
  Buffer scales;         // int8 and int4
  Buffer zero_points;    // asymmetric encodings

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(codes.size() + scales.size() + zero_points.size());
  }
};

// Throws kInvalid when the buffers are too small for shape, encoding and layout, or these contradict each
// other. For loaders; decode, encode, pack, unpack and slice_rows call it.
void check_weight(const Weight& weight);

// Of codes, scales and zero points, as mapped_file.h tells.
void check_mapped(const Weight& weight);
void release_mapped(const Weight& weight) noexcept;

// A float weight as a checkpoint holds it: shares the tensor's buffer. Throws kUnsupported for other dtypes.
Weight weight_from_tensor(std::string name, const Tensor& tensor);

// Encodes a matrix [N, K] by rounding to nearest. `rows` is any float Weight or an encoded one (decoded
// first). The result is in panel order. Throws when a value is not finite, naming weight, row and column, and
// for block formats that come from files alone (round_to_blocks.h). On all threads of the pool, where there
// is one: the bits are the same.
Weight encode(const Weight& rows, const Encoding& encoding, ThreadPool* pool = nullptr);

// Float formats: row-major to panel order and back, a bit-exact copy. No-ops when the layout is already
// there.
Weight pack(const Weight& weight);
Weight unpack(const Weight& weight);

// One row, or all of them, as f32: the living definition of every encoding. out has K elements.
void decode_row(const Weight& weight, std::int64_t row, float* out);
std::vector<float> decode(const Weight& weight);

// Throws kInvalid, naming weight, row and column, when a value of a decoded row is not finite.
void check_finite(const Weight& weight, std::int64_t row, std::span<const float> values);

// Rows [begin, end) without a copy. Panels: begin must be a multiple of 16.
Weight slice_rows(const Weight& weight, std::int64_t begin, std::int64_t end);

}  // namespace swiftlet
