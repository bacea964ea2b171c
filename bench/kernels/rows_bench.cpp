// Row kernels of the shapes that the models have: GB/s of what is read and written. The buffers fit into the
// L2 cache, as the rows of a step do.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "swiftlet/core/rng.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::bench {
namespace {

using namespace swiftlet::kernels;

constexpr std::int64_t kRows = 32, kD = 384, kWide = 1536;  // MiniLM's sizes
constexpr std::int64_t kCount = kRows * kWide;

struct Buffers {
  std::vector<float> x = std::vector<float>(kCount), other = x, y = x, gain = x;
  std::vector<std::int32_t> positions;
  std::vector<float> frequencies;
  Buffers() {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(4 * uniform(1, 0, i) - 2);
      other[i] = static_cast<float>(4 * uniform(2, 0, i) - 2);
      gain[i] = 1;
    }
    for (int row = 0; row < kRows; ++row) positions.push_back(1000 + row);
    for (int i = 0; i < 32; ++i) frequencies.push_back(1.0f / static_cast<float>(1 << (i / 3)));
  }
};

struct Case {
  const char* name;
  double floats;  // read and written by one call
  std::function<void(const RowKernels&, Buffers&)> call;
};

std::vector<Case> cases() {
  const auto activation = [](Activation a) {
    return [a](const RowKernels& k, Buffers& b) { k.activate(a, b.x.data(), b.y.data(), kCount); };
  };
  return {
      {"layer_norm_residual", 3.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) {
         k.layer_norm(b.x.data(), b.other.data(), b.gain.data(), b.gain.data(), 1e-12f, kRows, kD, nullptr,
                      b.y.data());
       }},
      {"rms_norm", 2.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) {
         k.rms_norm(b.x.data(), nullptr, b.gain.data(), 0, 1e-5f, kRows, kD, nullptr, b.y.data());
       }},
      {"gelu", 2.0 * kCount, activation(Activation::kGelu)},
      {"gelu_tanh", 2.0 * kCount, activation(Activation::kGeluTanh)},
      {"silu", 2.0 * kCount, activation(Activation::kSilu)},
      {"gate_silu", 3.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) {
         k.gate(Activation::kSilu, b.x.data(), kD, b.other.data(), kD, b.y.data(), kD, kRows, kD);
       }},
      {"add", 3.0 * kCount,
       [](const RowKernels& k, Buffers& b) { k.add(b.x.data(), b.other.data(), b.y.data(), kCount); }},
      {"softmax", 2.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) { k.softmax(b.x.data(), b.y.data(), kRows, kD); }},
      {"rope_6_heads_of_64", 2.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) {
         k.rope({.rows = kRows,
                 .heads = 6,
                 .head_dim = 64,
                 .rotary_dim = 64,
                 .positions = b.positions.data(),
                 .inverse_frequencies = b.frequencies.data(),
                 .x = b.x.data(),
                 .ldx = kD,
                 .y = b.y.data(),
                 .ldy = kD});
       }},
      {"mean_rows", 1.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) { k.mean_rows(b.x.data(), kRows, kD, b.y.data()); }},
      {"l2_normalize", 2.0 * kRows * kD,
       [](const RowKernels& k, Buffers& b) { k.l2_normalize(b.x.data(), kRows, kD, b.y.data()); }},
  };
}

const int kRegistered = [] {
  for (const KernelTable* table : available_tables())
    for (const Case& c : cases()) {
      const std::string name = "rows/" + std::string(table->isa) + "/" + c.name;
      benchmark::RegisterBenchmark(name.c_str(), [table, c](benchmark::State& state) {
        Buffers buffers;
        for (auto _ : state) {
          c.call(table->rows, buffers);
          benchmark::ClobberMemory();
        }
        state.counters["bytes"] = benchmark::Counter(4 * c.floats * static_cast<double>(state.iterations()),
                                                     benchmark::Counter::kIsRate);
      });
    }
  return 0;
}();

}  // namespace
}  // namespace swiftlet::bench
