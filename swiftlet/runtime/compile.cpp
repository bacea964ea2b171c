#include "swiftlet/runtime/compile.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/graph/op_schema.h"
#include "swiftlet/ops/attention.h"
#include "swiftlet/passes/fold_constants.h"
#include "swiftlet/passes/fuse_embedding_norm.h"
#include "swiftlet/passes/fuse_gated_activation.h"
#include "swiftlet/passes/fuse_gated_linears.h"
#include "swiftlet/passes/fuse_linear_epilogue.h"
#include "swiftlet/passes/fuse_residual_norm.h"
#include "swiftlet/passes/fuse_rope_append.h"
#include "swiftlet/passes/lower_to_paged_cache.h"
#include "swiftlet/passes/merge_linears.h"
#include "swiftlet/passes/narrow_to_output_rows.h"
#include "swiftlet/passes/remove_dead_nodes.h"
#include "swiftlet/passes/share_common_subexpressions.h"
#include "swiftlet/runtime/arena.h"

namespace swiftlet {
namespace {

constexpr std::size_t kTail = 64;  // bytes that vector loads may read behind a value

#ifdef NDEBUG
constexpr bool kCheckPasses = false;
#else
constexpr bool kCheckPasses = true;
#endif

void lower_graph(Graph& graph, const WeightStore& weights, const CompileOptions& options,
                 const kernels::KernelTable& table) {
  const auto form_of = [&](const std::string& name) {
    return matrix_form(weights.get(name), options.precision, table);
  };
  // Linears of one arithmetic meet their input in one node, whatever the encodings of their weights: those
  // whose groups agree share its quantization.
  const auto arithmetic_of = [&](const std::string& name) {
    return std::string(to_string(form_of(name).arithmetic));
  };
  // A gate and what it gates are one product where they are prepared alike.
  const auto arithmetic_and_encoding_of = [&](const std::string& name) {
    return fmt::format("{} {}", arithmetic_of(name), to_string(form_of(name).encoding));
  };
  std::vector<std::unique_ptr<Pass>> passes;
  if (options.simplify) {
    passes.push_back(std::make_unique<FoldConstants>());
    passes.push_back(std::make_unique<ShareCommonSubexpressions>());
    passes.push_back(std::make_unique<RemoveDeadNodes>());
  }
  if (options.fuse) {
    passes.push_back(std::make_unique<NarrowToOutputRows>());
    passes.push_back(std::make_unique<FuseGatedActivation>());
    passes.push_back(std::make_unique<FuseEmbeddingNorm>());
    passes.push_back(std::make_unique<FuseLinearEpilogue>());
    passes.push_back(std::make_unique<MergeLinears>(arithmetic_of));
    passes.push_back(std::make_unique<FuseGatedLinears>(arithmetic_and_encoding_of));
    passes.push_back(std::make_unique<FuseResidualNorm>());
  }
  if (options.paged_cache) {
    passes.push_back(std::make_unique<LowerToPagedCache>());
    if (options.fuse) passes.push_back(std::make_unique<FuseRopeAppend>());
  }
  std::erase_if(passes, [&](const std::unique_ptr<Pass>& pass) {
    const auto& skipped = options.skip_passes;
    return std::find(skipped.begin(), skipped.end(), pass->name()) != skipped.end();
  });
  run_passes(graph, passes, kCheckPasses);
}

// Lowers node by node, collecting places, slots and lifetimes on the way.
class Compiler final : public LowerContext {
 public:
  Compiler(const Graph& graph, const WeightStore& weights, const CompileOptions& options,
           const kernels::KernelTable& table)
      : graph_(graph),
        weights_(weights),
        options_(options),
        rounds_(swiftlet::rounds_activations(weights, options.precision)) {
    program_.table = &table;
    program_.threads = options.threads;
    places_.resize(graph.value_count());
    for (std::size_t i = 0; i < graph.value_count(); ++i) {
      const ValueInfo& info = graph.value(static_cast<ValueId>(i));
      if (info.kind == ValueKind::kInput) add_input(static_cast<ValueId>(i));
    }
  }

  Program finish() {
    plan_memory();
    for (std::size_t step = 0; step < graph_.order().size(); ++step) {
      node_ = graph_.order()[step];
      const Node& current = graph_.node(node_);
      if (current.op->lower_cpu == nullptr)
        fail(ErrorCode::kUnsupported, current.name, "op '{}' is not available on the CPU", current.op->name);
      program_.steps.push_back({.name = current.name, .op = current.op->name, .node = node_});
      program_.steps.back().slots.assign(current.inputs.size(), -1);
      program_.steps.back().kernel = lower_node(*this);
      program_.workspace_bytes = std::max(program_.workspace_bytes, program_.steps.back().kernel.workspace);
    }
    if (slow_matrices_ > 0)
      warn(
          "{} matrices such as {} are multiplied in f32, which is slower: the {} kernels cannot do it as "
          "asked",
          slow_matrices_, slow_matrix_, program_.table->isa);
    for (ValueId id : graph_.outputs()) {
      const ValueInfo& info = graph_.value(id);
      program_.outputs.push_back({info.name, info.type, extents(info.type.shape), place(id)});
    }
    return std::move(program_);
  }

  // LowerContext
  const Graph& graph() const override { return graph_; }
  const Node& node() const override { return graph_.node(node_); }
  const kernels::KernelTable& table() const override { return *program_.table; }
  int threads() const override { return options_.threads; }
  bool rounds_activations() const override { return rounds_; }

  Place input(std::size_t index) override {
    const ValueId id = node().inputs[index];
    if (id == kNoId) return {};
    const Place found = place(id);
    if (found.kind == Place::kSlot) program_.steps.back().slots[index] = found.index;
    return found;
  }
  Place output(std::size_t index) override { return place(node().outputs[index]); }

  std::int32_t matrix_slot(std::size_t index, Arithmetic& arithmetic, Encoding& encoding) override {
    const ValueInfo& info = slot_value(index);
    const MatrixForm form = matrix_form(weights_.get(info.name), options_.precision, *program_.table);
    arithmetic = form.arithmetic;
    encoding = form.encoding;
    if (form.arithmetic != form.wanted) {
      ++slow_matrices_;
      slow_matrix_ = fmt::format("'{}' ({})", info.name, to_string(form.encoding));
    }
    program_.steps.back().arithmetic = form.arithmetic;
    return note_slot(index, slot(info.name, {form.encoding, Layout::kPanels}));
  }
  std::int32_t exact_matrix_slot(std::size_t index, Encoding& encoding) override {
    const ValueInfo& info = slot_value(index);
    encoding = weights_.get(info.name).encoding;
    return note_slot(index, slot(info.name, {encoding, Layout::kPanels}));
  }
  std::int32_t table_slot(std::size_t index) override {
    const ValueInfo& info = slot_value(index);
    const Weight weight = weights_.get(info.name);
    return note_slot(index, slot(info.name, {weight.encoding, weight.layout}));
  }

  Extent extent(const Dim& dim) override {
    if (!dim.is_affine())
      fail(ErrorCode::kUnsupported, where(), "the extent {} is not available: it divides a symbol",
           dim.to_string());
    std::vector<std::string> names;
    dim.collect_symbols(names);
    Extent result;
    result.constant = dim.evaluate([](std::string_view) { return 0; });
    for (const std::string& name : names) {
      const auto at_one = dim.evaluate([&](std::string_view symbol) { return std::int64_t{symbol == name}; });
      result.terms.push_back({static_cast<std::int32_t>(symbol(name)), at_one - result.constant});
    }
    return result;
  }
  std::int64_t maximum(const Dim& dim) const override {
    return dim.maximum([&](std::string_view name) {
      const auto found = options_.maxima.find(std::string(name));
      require(found != options_.maxima.end(), "compile", "no maximum was given for the symbol '{}'", name);
      return found->second;
    });
  }
  std::int32_t ragged_axis(const Dim& dim) override {
    const std::string name(dim.symbol_name());
    require(!name.empty(), where(), "{} is not a ragged axis", dim.to_string());
    return index_of(program_.ragged_axes, name);
  }
  std::int32_t state(std::size_t index) override {
    ValueId id = node().inputs[index];
    while (graph_.value(id).kind == ValueKind::kComputed)
      id = graph_.node(graph_.value(id).producer).inputs.back();
    const auto known = std::find(states_.begin(), states_.end(), id);
    if (known != states_.end()) return static_cast<std::int32_t>(known - states_.begin());
    const ops::AttentionSpec spec = ops::attention_spec(node().attributes);
    states_.push_back(id);
    program_.states.push_back({spec.kv_heads, spec.head_dim, spec.value_dim});
    return static_cast<std::int32_t>(states_.size() - 1);
  }

 private:
  // For messages: the node that is being lowered, none while the inputs are looked at.
  std::string_view where() const {
    return node_ == kNoId ? std::string_view("compile") : std::string_view(node().name);
  }

  static std::int32_t index_of(std::vector<std::string>& names, const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      names.push_back(name);
      return static_cast<std::int32_t>(names.size() - 1);
    }
    return static_cast<std::int32_t>(found - names.begin());
  }

  std::size_t symbol(const std::string& name) {
    const auto index = static_cast<std::size_t>(index_of(program_.symbols, name));
    if (index == program_.maxima.size()) program_.maxima.push_back(maximum(Dim::symbol(name)));
    return index;
  }

  std::vector<Extent> extents(const Dims& dims) {
    std::vector<Extent> result;
    for (const Dim& dim : dims) result.push_back(extent(dim));
    return result;
  }

  void add_input(ValueId id) {
    const ValueInfo& info = graph_.value(id);
    Place& place = places_[static_cast<std::size_t>(id)];
    place = {.kind = Place::kInput, .index = static_cast<std::int32_t>(program_.inputs.size())};
    program_.inputs.push_back({info.name, info.type, extents(info.type.shape), place});
  }

  const ValueInfo& slot_value(std::size_t index) const {
    const ValueInfo& info = graph_.value(node().inputs[index]);
    if (info.kind != ValueKind::kWeight)
      fail(ErrorCode::kUnsupported, node().name,
           "a matrix that is computed by the graph is not available yet");
    return info;
  }

  std::int32_t slot(const std::string& name, const WeightForm& form) {
    const auto next = static_cast<std::int32_t>(program_.slots.size());
    const auto [known, is_new] = slots_.try_emplace({name, form.key()}, next);
    if (is_new) program_.slots.push_back({name, form});
    return known->second;
  }

  std::int32_t note_slot(std::size_t input, std::int32_t slot) {
    return program_.steps.back().slots[input] = slot;
  }

  Place place(ValueId id) {
    Place& known = places_[static_cast<std::size_t>(id)];
    const ValueInfo& info = graph_.value(id);
    if (known.kind != Place::kAbsent) return known;
    if (info.kind == ValueKind::kConstant) {
      program_.constants.push_back(info.constant);
      known = {.kind = Place::kPointer, .pointer = info.constant.buffer().data()};
    } else if (info.kind == ValueKind::kWeight) {  // a vector
      known = {.kind = Place::kSlot, .index = slot(info.name, {Encoding{}, Layout::kRows})};
    }
    return known;
  }

  std::size_t bytes_of(const Type& type) const {
    std::int64_t elements = 1;
    for (const Dim& dim : type.shape)
      require(!__builtin_mul_overflow(elements, maximum(dim), &elements), "compile",
              "{} does not fit into memory", type.to_string());
    return static_cast<std::size_t>(elements) * dtype_size(type.dtype) + kTail;
  }

  void plan_memory() {
    const int steps = static_cast<int>(graph_.order().size());
    std::vector<ArenaRequest> requests;
    std::vector<ValueId> values;
    for (int step = 0; step < steps; ++step) {
      for (ValueId id : graph_.node(graph_.order()[static_cast<std::size_t>(step)]).outputs) {
        const Type& type = graph_.value(id).type;
        if (graph_.node(graph_.value(id).producer).op->has_effect) continue;  // lives in the cache
        ArenaRequest request{bytes_of(type), step, step};
        for (int later = step + 1; later < steps; ++later) {
          const auto& inputs = graph_.node(graph_.order()[static_cast<std::size_t>(later)]).inputs;
          if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) request.last = later;
        }
        if (graph_.is_output(id)) request.last = steps;
        program_.unplanned_bytes += static_cast<std::int64_t>(request.bytes);
        requests.push_back(request);
        values.push_back(id);
      }
    }
    const ArenaPlan plan = plan_arena(requests);
    program_.arena_bytes = plan.bytes;
    for (std::size_t i = 0; i < values.size(); ++i) {
      places_[static_cast<std::size_t>(values[i])] = {.kind = Place::kArena, .offset = plan.offsets[i]};
      program_.placements.push_back({graph_.value(values[i]).name, values[i], plan.offsets[i],
                                     requests[i].bytes, requests[i].first, requests[i].last});
    }
  }

  const Graph& graph_;
  const WeightStore& weights_;
  const CompileOptions& options_;
  const bool rounds_;
  NodeId node_ = kNoId;
  int slow_matrices_ = 0;
  std::string slow_matrix_;
  Program program_;
  std::vector<Place> places_;
  std::map<std::pair<std::string, decltype(WeightForm{}.key())>, std::int32_t> slots_;
  std::vector<ValueId> states_;
};

}  // namespace

bool has_narrow_matrix(const WeightStore& weights) {
  for (const std::string& name : weights.names()) {
    const Weight weight = weights.get(name);
    if (weight.shape.rank() == 2 && weight.encoding.format != Format::kF32) return true;
  }
  return false;
}

bool rounds_activations(const WeightStore& weights, std::optional<Arithmetic> precision) {
  if (precision) return *precision != Arithmetic::kF32;
  for (const std::string& name : weights.names()) {
    const Weight weight = weights.get(name);
    if (weight.shape.rank() == 2 &&
        matrix_form(weight, precision, kernels::default_table()).wanted != Arithmetic::kF32)
      return true;
  }
  return false;
}

MatrixForm matrix_form(const Weight& weight, std::optional<Arithmetic> precision,
                       const kernels::KernelTable& table) {
  MatrixForm form{weight.encoding, weight.encoding.is_integer() ? weight.arithmetic : Arithmetic::kF32};
  if (precision == Arithmetic::kF32) {
    form.arithmetic = Arithmetic::kF32;
  } else if (!weight.encoding.is_integer()) {
    if (precision == Arithmetic::kInt8) form = {{Format::kInt8, 0, false}, Arithmetic::kInt8};
    if (precision == Arithmetic::kBF16) form.encoding = {Format::kBF16, 0, false};
    if (form.encoding.format == Format::kBF16) form.arithmetic = Arithmetic::kBF16;
  } else if (precision == Arithmetic::kInt8) {
    form.arithmetic = Arithmetic::kInt8;
  }
  form.wanted = form.arithmetic;
  if (!kernels::linear_supported(table, form.arithmetic, form.encoding)) form.arithmetic = Arithmetic::kF32;
  return form;
}

Graph lowered_graph(Graph graph, const WeightStore& weights, const CompileOptions& options) {
  lower_graph(graph, weights, options, options.table != nullptr ? *options.table : kernels::default_table());
  return graph;
}

Program compile(Graph graph, const WeightStore& weights, const CompileOptions& options) {
  const kernels::KernelTable& table = options.table != nullptr ? *options.table : kernels::default_table();
  for (const std::string& name : options.keep) {
    const auto id = graph.find(name);
    if (!id) fail(ErrorCode::kNotFound, "compile", "there is no value named '{}' to keep", name);
    graph.add_output({&graph, *id});
  }
  // A pass may leave an output without its name; the ports keep those that the outputs had before.
  std::vector<std::string> names;
  for (ValueId id : graph.outputs()) names.push_back(graph.value(id).name);
  lower_graph(graph, weights, options, table);
  Program program = Compiler(graph, weights, options, table).finish();
  program.graph = std::make_shared<const Graph>(std::move(graph));
  for (std::size_t i = 0; i < names.size(); ++i) program.outputs[i].name = names[i];
  return program;
}

}  // namespace swiftlet
