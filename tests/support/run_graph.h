// Runs graphs in tests: reproducible random weights and inputs, ragged batches, paged caches, comparisons
// that name the worst element. Shared by the tests of ops, passes, the runtime and the families.
//
//   GraphRunner runner(graph);                         // as built: without any pass
//   auto outputs = runner.run(ragged({3, 1, 5}));      // inputs that are not given are random
//   EXPECT_TRUE(close(outputs[0], expected));
//   EXPECT_TRUE(agree(before, after));                 // a pass changed no number
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/float_bits.h"
#include "swiftlet/core/rng.h"
#include "swiftlet/graph/op_schema.h"
#include "swiftlet/runtime/compile.h"
#include "swiftlet/runtime/execute.h"

namespace swiftlet::test {

// ---- Values

// Uniform in [-range, range), a function of (seed, index) alone.
inline Tensor random_tensor(Shape shape, std::uint64_t seed, double range = 1) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    tensor.mutable_data<float>()[i] =
        static_cast<float>((2 * uniform(seed, 0, static_cast<std::uint64_t>(i)) - 1) * range);
  return tensor;
}

inline Tensor int_tensor(const std::vector<std::int32_t>& values) {
  Tensor tensor = Tensor::zeros(DType::kI32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.mutable_data<std::int32_t>());
  return tensor;
}

inline Tensor int64_tensor(const std::vector<std::int64_t>& values) {
  Tensor tensor = Tensor::zeros(DType::kI64, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.mutable_data<std::int64_t>());
  return tensor;
}

// `count` numbers in [0, below).
inline Tensor random_ids(std::int64_t count, std::int64_t below, std::uint64_t seed) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>(uniform(seed, 1, static_cast<std::uint64_t>(i)) *
                                            static_cast<double>(below)));
  return int_tensor(ids);
}

// Rows [begin, end) of a tensor of any type, as a copy.
inline Tensor rows_of(const Tensor& tensor, std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> dims(tensor.shape().dims().begin(), tensor.shape().dims().end());
  const std::size_t row = dims[0] == 0 ? 0 : tensor.bytes() / static_cast<std::size_t>(dims[0]);
  dims[0] = end - begin;
  Tensor rows = Tensor::zeros(tensor.dtype(), Shape(std::move(dims)));
  if (rows.bytes() > 0)
    std::memcpy(rows.mutable_data<std::byte>(),
                tensor.data<std::byte>() + static_cast<std::size_t>(begin) * row, rows.bytes());
  return rows;
}

// Tensors of one type and width, one under the other.
inline Tensor stack_rows(const std::vector<Tensor>& parts) {
  std::vector<std::int64_t> dims(parts.at(0).shape().dims().begin(), parts[0].shape().dims().end());
  dims[0] = 0;
  for (const Tensor& part : parts) dims[0] += part.shape()[0];
  Tensor all = Tensor::zeros(parts[0].dtype(), Shape(std::move(dims)));
  std::size_t at = 0;
  for (const Tensor& part : parts) {
    if (part.bytes() > 0)
      std::memcpy(all.mutable_data<std::byte>() + at, part.data<std::byte>(), part.bytes());
    at += part.bytes();
  }
  return all;
}

inline std::uint64_t hash_of(std::string_view text) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// The values of a weight, or of a tensor, as doubles for a plain loop.
inline std::vector<double> doubles(const Tensor& tensor) {
  const auto values = tensor.span<float>();
  return {values.begin(), values.end()};
}
inline std::vector<double> doubles(const WeightStore& weights, std::string_view name) {
  const std::vector<float> values = decode(weights.get(name));
  return {values.begin(), values.end()};
}

// Every weight of the graph with values that depend on its name and shape alone, so that a graph has the same
// ones before and after a pass. Matrices keep the size of what they multiply.
inline std::shared_ptr<WeightStore> random_weights(const Graph& graph, std::uint64_t seed = 1) {
  auto store = std::make_shared<WeightStore>();
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const ValueInfo& info = graph.value(static_cast<ValueId>(i));
    if (info.kind != ValueKind::kWeight) continue;
    std::vector<std::int64_t> dims;
    for (const Dim& dim : info.type.shape) dims.push_back(dim.constant());
    const double range = dims.size() < 2 ? 1 : std::sqrt(3.0 / static_cast<double>(dims.back()));
    store->add(weight_from_tensor(info.name, random_tensor(Shape(dims), hash_of(info.name) ^ seed, range)));
  }
  return store;
}

// ---- Batches

// The tables of one step; the runner binds them as the ragged axis of every program.
struct StepTables {
  std::vector<kernels::Segment> segments;
  std::vector<std::int32_t> positions;  // [tokens], within each sequence
  std::vector<std::int64_t> slots;      // [tokens], with a cache
  std::vector<CacheLayer> cache;        // with a cache
  std::int64_t tokens() const { return static_cast<std::int64_t>(positions.size()); }
  std::int64_t sequences() const { return static_cast<std::int64_t>(segments.size()); }
};

// Whole sequences of these lengths one behind the other, without a cache.
inline StepTables ragged(const std::vector<int>& lengths) {
  StepTables step;
  for (int length : lengths) {
    const auto begin = static_cast<std::int32_t>(step.tokens());
    step.segments.push_back(
        {.query_begin = begin, .query_end = begin + length, .key_begin = begin, .keys = length});
    for (int i = 0; i < length; ++i) step.positions.push_back(i);
  }
  return step;
}

// A paged cache for the states of a program: blocks are handed out in a shuffled order, and what was never
// written is NaN.
class TestCache {
 public:
  TestCache(const Program& program, int sequences, int most_keys, DType dtype = DType::kF32,
            std::uint64_t seed = 7)
      : blocks_(static_cast<std::size_t>(sequences)), lengths_(static_cast<std::size_t>(sequences), 0) {
    const int each = (most_keys + kernels::kKeyBlock - 1) / kernels::kKeyBlock;
    free_.resize(static_cast<std::size_t>(sequences * each + 3));
    std::iota(free_.begin(), free_.end(), 0);
    for (std::size_t i = free_.size() - 1; i > 0; --i)
      std::swap(free_[i], free_[static_cast<std::size_t>(uniform(seed, 2, i) * static_cast<double>(i + 1))]);
    const auto make = [&](int heads, int width) {
      Buffer buffer = Buffer::heap(free_.size() * static_cast<std::size_t>(heads) *
                                   static_cast<std::size_t>(kernels::cache_head_bytes(dtype, width)));
      std::memset(buffer.mutable_data(), 0xff, buffer.size());
      buffers_.push_back(buffer);
      return static_cast<void*>(buffers_.back().mutable_data());
    };
    for (const Program::State& state : program.states)
      layers_.push_back({make(state.kv_heads, state.head_dim), make(state.kv_heads, state.value_dim), dtype});
    for (auto& blocks : blocks_) blocks.reserve(static_cast<std::size_t>(each));  // segments point into them
  }

  // The next `lengths[i]` tokens of sequence i; a sequence with 0 takes no part in the step.
  StepTables step(const std::vector<int>& lengths) {
    StepTables tables;
    tables.cache = layers_;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      if (lengths[s] == 0) continue;
      const auto begin = static_cast<std::int32_t>(tables.tokens());
      for (int i = 0; i < lengths[s]; ++i) {
        const int position = lengths_[s]++;
        if (position % kernels::kKeyBlock == 0) {
          blocks_[s].push_back(free_.back());
          free_.pop_back();
        }
        tables.positions.push_back(position);
        tables.slots.push_back(std::int64_t{blocks_[s].back()} * kernels::kKeyBlock +
                               position % kernels::kKeyBlock);
      }
      tables.segments.push_back({.query_begin = begin,
                                 .query_end = begin + lengths[s],
                                 .keys = lengths_[s],
                                 .blocks = blocks_[s].data()});
    }
    return tables;
  }

 private:
  std::vector<std::int32_t> free_;
  std::vector<std::vector<std::int32_t>> blocks_;
  std::vector<int> lengths_;
  std::vector<Buffer> buffers_;
  std::vector<CacheLayer> layers_;
};

// ---- Running

using Inputs = std::map<std::string, Tensor>;

inline Tensor copy_of(const TensorView& view) {
  Tensor tensor = Tensor::zeros(view.dtype, view.shape);
  if (tensor.bytes() > 0) std::memcpy(tensor.mutable_data<std::byte>(), view.data, tensor.bytes());
  return tensor;
}

// No pass runs: the graph as it was built.
inline CompileOptions as_built() {
  CompileOptions options;
  options.simplify = options.fuse = false;
  return options;
}

// Compiles a graph and runs it. Without maxima in the options: 256 tokens and 16 of every other symbol.
class GraphRunner {
 public:
  explicit GraphRunner(const Graph& graph, CompileOptions options = as_built(),
                       std::shared_ptr<WeightStore> weights = nullptr, int threads = 1)
      : weights_(weights != nullptr ? std::move(weights) : random_weights(graph)) {
    options.threads = threads;
    add_maxima(graph, options.maxima);
    program_ = std::make_shared<const Program>(compile(graph, *weights_, options));
    executor_ = std::make_unique<Executor>(program_, weights_, std::make_shared<ThreadPool>(threads));
  }

  // The outputs in order, as copies. An f32 input that is not given is random by its name, "positions" is
  // that of the step; symbols other than tokens and sequences follow from the shapes of the given inputs.
  std::vector<Tensor> run(const StepTables& step, Inputs inputs = {}) {
    std::map<std::string, std::int64_t, std::less<>> known{{"tokens", step.tokens()},
                                                           {"sequences", step.sequences()}};
    for (const Program::Port& port : program_->inputs)
      if (const auto given = inputs.find(port.name); given != inputs.end())
        learn_symbols(port, given->second, known);
    std::vector<const void*> pointers;
    for (const Program::Port& port : program_->inputs) {
      if (!inputs.contains(port.name)) inputs[port.name] = default_input(port, step, known);
      pointers.push_back(inputs[port.name].data<void>());
    }
    std::vector<std::int64_t> symbols;
    for (const std::string& name : program_->symbols) symbols.push_back(symbol_value(known, name));
    const std::vector<RaggedAxis> axes(program_->ragged_axes.size(), RaggedAxis{step.segments});
    executor_->run({pointers, symbols, {.axes = axes, .cache_slots = step.slots, .cache = step.cache}});
    std::vector<Tensor> outputs;
    for (std::size_t i = 0; i < program_->outputs.size(); ++i)
      outputs.push_back(copy_of(executor_->output(i)));
    return outputs;
  }

  const Program& program() const { return *program_; }
  const std::shared_ptr<const Program>& shared_program() const { return program_; }
  const std::shared_ptr<WeightStore>& weights() const { return weights_; }
  Executor& executor() { return *executor_; }

 private:
  using Known = std::map<std::string, std::int64_t, std::less<>>;

  static void add_maxima(const Graph& graph, std::map<std::string, std::int64_t>& maxima) {
    if (!maxima.empty()) return;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < graph.value_count(); ++i)
      for (const Dim& dim : graph.value(static_cast<ValueId>(i)).type.shape) dim.collect_symbols(names);
    for (const std::string& name : names) maxima[name] = name == "tokens" ? 256 : 16;
  }
  static std::int64_t symbol_value(const Known& known, std::string_view name) {
    const auto found = known.find(name);
    require(found != known.end(), "run_graph", "no input tells the value of the symbol '{}'", name);
    return found->second;
  }
  static void learn_symbols(const Program::Port& port, const Tensor& given, Known& known) {
    require(given.dtype() == port.type.dtype && given.shape().rank() == port.type.shape.size(), "run_graph",
            "the input '{}' is {}{}, the graph reads {}", port.name, dtype_name(given.dtype()),
            given.shape().to_string(), port.type.to_string());
    for (std::size_t axis = 0; axis < port.type.shape.size(); ++axis)
      if (const auto name = port.type.shape[axis].symbol_name(); !name.empty())
        known[std::string(name)] = given.shape()[static_cast<int>(axis)];
  }
  static Tensor default_input(const Program::Port& port, const StepTables& step, const Known& known) {
    if (port.name == "positions") return int_tensor(step.positions);
    require(port.type.dtype == DType::kF32, "run_graph", "the input '{}' must be given", port.name);
    std::vector<std::int64_t> dims;
    for (const Dim& dim : port.type.shape)
      dims.push_back(dim.evaluate([&](std::string_view name) { return symbol_value(known, name); }));
    return random_tensor(Shape(std::move(dims)), hash_of(port.name));
  }

  std::shared_ptr<WeightStore> weights_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<Executor> executor_;
};

// ---- Comparing

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.bytes() == 0 || std::memcmp(a.data<void>(), b.data<void>(), a.bytes()) == 0);
}

// |actual - expected| <= tolerance * (|expected| + the root mean square of all expected) for every element,
// in f32; other types must be equal. Names the worst element.
inline testing::AssertionResult close(const Tensor& actual, const Tensor& expected, double tolerance = 1e-5) {
  if (actual.dtype() != expected.dtype() || actual.shape() != expected.shape())
    return testing::AssertionFailure()
           << dtype_name(actual.dtype()) << actual.shape().to_string() << " is not "
           << dtype_name(expected.dtype()) << expected.shape().to_string();
  if (same_bits(actual, expected)) return testing::AssertionSuccess();
  if (actual.dtype() != DType::kF32) return testing::AssertionFailure() << "integers differ";
  const auto a = actual.span<float>(), e = expected.span<float>();
  double squares = 0;
  for (float value : e) squares += static_cast<double>(value) * value;
  const double typical = std::sqrt(squares / static_cast<double>(e.size()));
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < e.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - e[i]) / (std::abs(e[i]) + typical + 1e-30);
    if (!(error <= worst)) worst = std::isnan(error) ? HUGE_VAL : error, at = i;
  }
  if (worst <= tolerance) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "element " << at << " of " << actual.shape().to_string() << " is "
                                     << a[at] << ", expected " << e[at] << ": relative error " << worst
                                     << ", allowed " << tolerance;
}

inline testing::AssertionResult close(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected,
                                      double tolerance = 1e-5) {
  if (actual.size() != expected.size())
    return testing::AssertionFailure() << actual.size() << " outputs, expected " << expected.size();
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (auto result = close(actual[i], expected[i], tolerance); !result)
      return testing::AssertionFailure() << "output " << i << ": " << result.message();
  return testing::AssertionSuccess();
}

// The values that a double loop computed, as a tensor to compare with.
inline Tensor tensor_of(Shape shape, const std::vector<double>& values) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  EXPECT_EQ(tensor.elements(), static_cast<std::int64_t>(values.size()));
  std::transform(values.begin(), values.end(), tensor.mutable_data<float>(),
                 [](double value) { return static_cast<float>(value); });
  return tensor;
}

// Runs the graph as built with every kernel table that this machine has, on one thread and on three, against
// outputs that a plain loop computed.
inline void expect_outputs(const Graph& graph, const StepTables& step, const Inputs& inputs,
                           const std::vector<Tensor>& expected, double tolerance = 1e-5,
                           std::shared_ptr<WeightStore> weights = nullptr) {
  if (weights == nullptr) weights = random_weights(graph);
  for (const kernels::KernelTable* table : kernels::available_tables())
    for (const int threads : {1, 3}) {
      CompileOptions options = as_built();
      options.table = table;
      GraphRunner runner(graph, options, weights, threads);
      EXPECT_TRUE(close(runner.run(step, inputs), expected, tolerance))
          << table->isa << ", " << threads << " threads";
    }
}

// The cost of the node that computes `value`, every symbol being `extent`.
inline Cost cost_of(Value value, std::int64_t extent) {
  const Node& node = value.graph->node(value.graph->value(value.id).producer);
  return node.op->cost({*value.graph, node}, Dim::Lookup([&](std::string_view) { return extent; }));
}

// Replaces every fused node by the core ops that it stands for.
inline Graph decomposed(Graph graph) {
  for (NodeId id : std::vector<NodeId>(graph.order())) {
    if (graph.node(id).op->decompose == nullptr) continue;
    const std::vector<Value> outputs = graph.node(id).op->decompose(graph, id);
    for (std::size_t i = 0; i < outputs.size(); ++i) graph.replace(graph.node(id).outputs[i], outputs[i].id);
    graph.remove(id);
  }
  return graph;
}

// Inputs of a step that cannot be random floats (token ids, rows to select).
using InputsOf = std::function<Inputs(const StepTables&)>;

// Whether two graphs, run as they are built, give the same outputs on several ragged batches with the same
// random weights and inputs. Tolerance 0: bit for bit.
inline testing::AssertionResult agree(const Graph& before, const Graph& after, double tolerance = 0,
                                      const InputsOf& inputs_of = {}) {
  // The graph before knows every weight; a pass may have dropped some.
  const auto weights = random_weights(before);
  GraphRunner first(before, as_built(), weights), second(after, as_built(), weights);
  for (const std::vector<int>& lengths : std::vector<std::vector<int>>{{3, 1, 5}, {1}, {17, 2}}) {
    const StepTables step = ragged(lengths);
    const Inputs inputs = inputs_of ? inputs_of(step) : Inputs{};
    if (auto result = close(second.run(step, inputs), first.run(step, inputs), tolerance); !result)
      return testing::AssertionFailure()
             << "lengths " << testing::PrintToString(lengths) << ", " << result.message();
  }
  return testing::AssertionSuccess();
}

}  // namespace swiftlet::test
