// compile: a core graph becomes a Program: fuse, choose kernels and weight forms, plan the memory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/runtime/program.h"

namespace swiftlet {

struct CompileOptions {
  std::map<std::string, std::int64_t>
      maxima;                     // the largest value of every symbol, for example {"tokens", 512}
  std::vector<std::string> keep;  // names of values that must survive as outputs (taps)
  // kF32: the reference; kBF16: float weights are rounded to bf16; kInt8: float weights are quantized per
  // channel. Not set: as the weights are stored and certified.
  std::optional<Arithmetic> precision;
  bool paged_cache = false;              // causal attention reads a paged cache
  bool simplify = true;                  // fold constants, share subexpressions, remove dead nodes
  bool fuse = true;                      // merge, fuse and narrow what runs together
  std::vector<std::string> skip_passes;  // names of passes that shall not run, to measure what they bring
  const kernels::KernelTable* table = nullptr;  // null: the default table
  int threads = 1;                              // the largest pool that will run it
};

// `weights` decides encodings; its tensors are not read. Throws Error for a value to keep that is not there,
// a symbol without a maximum, or an op without a CPU kernel.
Program compile(Graph graph, const WeightStore& weights, const CompileOptions& options);

// The graph after the passes that compile() would run: what `inspect --graph` shows.
Graph lowered_graph(Graph graph, const WeightStore& weights, const CompileOptions& options);

// Whether some matrix is stored in fewer than 32 bits.
bool has_narrow_matrix(const WeightStore& weights);

// Whether attention may round what it multiplies to bf16: as the products of the model do, by `precision` or,
// where that is not set, by the arithmetic of some matrix.
bool rounds_activations(const WeightStore& weights, std::optional<Arithmetic> precision);

// In which encoding and arithmetic a matrix is multiplied under `precision` on `table`.
struct MatrixForm {
  Encoding encoding;
  Arithmetic arithmetic = Arithmetic::kF32;
  Arithmetic wanted = Arithmetic::kF32;  // differs from `arithmetic` where the table has no kernel for it
};
MatrixForm matrix_form(const Weight& weight, std::optional<Arithmetic> precision,
                       const kernels::KernelTable& table);

}  // namespace swiftlet
