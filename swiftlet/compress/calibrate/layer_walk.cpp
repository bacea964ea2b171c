#include "swiftlet/compress/calibrate/layer_walk.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "swiftlet/engine/step_builder.h"
#include "swiftlet/runtime/compile.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kBatchTokens = 2048;

// "model.layers.3" of "model.layers.3.mlp.up_proj.weight"; empty where a name has no number.
std::string layer_of(const std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (end > begin && std::all_of(name.begin() + static_cast<std::ptrdiff_t>(begin),
                                   name.begin() + static_cast<std::ptrdiff_t>(end), is_digit))
      return name.substr(0, end);
    begin = end + 1;
  }
  return "";
}

// Kernels may read a vector beyond the end of what they are given.
Tensor copy_of(const TensorView& view) {
  constexpr std::size_t kTail = 64;
  const auto bytes = static_cast<std::size_t>(view.shape.elements()) * dtype_size(view.dtype);
  Buffer buffer = Buffer::heap(bytes + kTail);
  std::memcpy(buffer.mutable_data(), view.data, bytes);
  return {view.dtype, view.shape, std::move(buffer)};
}

bool is_within(const Graph& graph, NodeRange range, NodeId node) {
  const auto begin = graph.order().begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(range.end);
  return std::find(begin + static_cast<std::ptrdiff_t>(range.begin), end, node) != end;
}

}  // namespace

std::vector<NodeRange> layer_ranges(const Graph& graph) {
  std::vector<NodeRange> ranges;
  std::string layer;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < graph.order().size(); ++i) {
    const Node& node = graph.node(graph.order()[i]);
    const auto weight = std::find_if(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return id != kNoId && graph.value(id).kind == ValueKind::kWeight;
    });
    if (weight == node.inputs.end()) continue;
    const std::string own = layer_of(graph.value(*weight).name);
    if (own == layer) continue;
    layer = own;
    if (i > begin) ranges.push_back({begin, i});
    begin = i;
  }
  if (begin < graph.order().size()) ranges.push_back({begin, graph.order().size()});
  return ranges;
}

LayerWalk::LayerWalk(const Graph& graph, const Samples& samples, std::shared_ptr<ThreadPool> pool)
    : graph_(graph), samples_(samples), pool_(std::move(pool)), ranges_(layer_ranges(graph)) {
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < samples.sequences.size(); ++i) {
    const auto length = static_cast<std::int64_t>(samples.sequences[i].size());
    if (batches_.empty() || tokens + length > kBatchTokens) {
      batches_.emplace_back();
      tokens = 0;
    }
    tokens += length;
    batches_.back().sequences.push_back(i);
    most_tokens_ = std::max(most_tokens_, tokens);
    most_sequences_ = std::max(most_sequences_, static_cast<std::int64_t>(batches_.back().sequences.size()));
  }
}

void LayerWalk::run(std::size_t pass, std::shared_ptr<WeightStore> weights,
                    const std::vector<ValueId>& outputs, const Done& done, const Job& job) {
  const NodeRange range = ranges_[pass / 2];
  const Graph slice = slice_graph(graph_, range, outputs);
  auto program = std::make_shared<const Program>(compile(
      slice, *weights,
      {.maxima = {{"tokens", most_tokens_}, {"sequences", most_sequences_}, {"outputs", most_tokens_}},
       .threads = pool_->size()}));
  std::vector<ValueId> inputs;
  std::vector<std::string> names;
  for (const ValueId id : values_across(graph_, range.begin)) {
    const std::string name = crossing_name(graph_, id);
    const bool is_read = std::any_of(program->inputs.begin(), program->inputs.end(),
                                     [&](const Program::Port& input) { return input.name == name; });
    if (!is_read) continue;
    inputs.push_back(id);
    names.push_back(name);
  }
  Executor executor(program, std::move(weights), pool_);
  StepBuilder step(program, names);
  const auto passes = static_cast<std::int64_t>(2 * ranges_.size() * batches_.size());
  auto at = static_cast<std::int64_t>(pass * batches_.size());
  for (Batch& batch : batches_) {
    job.step("calibrate", at++, passes);
    step.clear();
    for (const std::size_t i : batch.sequences) step.add(samples_.sequences[i], OutputRows::kAll);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      step.bind(names[i], batch.values.at(inputs[i]).data<void>());
    executor.run(step.inputs());
    for (std::size_t i = 0; i < outputs.size(); ++i) done(batch, i, executor.output(i));
  }
}

void LayerWalk::look(std::size_t layer, std::shared_ptr<WeightStore> weights,
                     const std::vector<ValueId>& taps, const Look& look, const Job& job) {
  run(
      2 * layer, std::move(weights), taps,
      [&](Batch&, std::size_t tap, const TensorView& value) {
        const std::int64_t width = value.shape[-1];
        look(tap, static_cast<const float*>(value.data), value.shape.elements() / width, width);
      },
      job);
}

void LayerWalk::advance(std::size_t layer, std::shared_ptr<WeightStore> weights, const Job& job) {
  const NodeRange range = ranges_[layer];
  const std::vector<ValueId> later = values_across(graph_, range.end);
  std::vector<ValueId> outputs;
  for (const ValueId id : later)
    if (is_within(graph_, range, graph_.value(id).producer)) outputs.push_back(id);
  run(
      2 * layer + 1, std::move(weights), outputs,
      [&](Batch& batch, std::size_t output, const TensorView& value) {
        batch.values[outputs[output]] = copy_of(value);
        if (output + 1 < outputs.size()) return;
        std::erase_if(batch.values, [&](const auto& entry) {
          return std::find(later.begin(), later.end(), entry.first) == later.end();
        });
      },
      job);
}

}  // namespace swiftlet
