#include "swiftlet/compress/quantize/layer_by_layer.h"

#include <algorithm>
#include <map>
#include <set>

#include "swiftlet/compress/calibrate/layer_walk.h"
#include "swiftlet/compress/prune/prune_and_round.h"
#include "swiftlet/compress/quantize/gptq.h"
#include "swiftlet/compress/quantize/round_to_nearest.h"
#include "swiftlet/core/error.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

constexpr const char* kRounded = "rounded to nearest: no linear layer reads it first";
constexpr const char* kNotPruned = "not pruned: no linear layer reads it first";

// Who reads a weight.
struct Readers {
  std::size_t first = 0,
              last = 0;   // layers; of the last ones the final layer, which none follows, does not count
  ValueId input = kNoId;  // what it multiplies in the first: the input of a linear, else kNoId
};

std::map<std::string, Readers> readers_of_weights(const Graph& graph) {
  std::map<std::string, Readers> readers;
  const std::vector<NodeRange> ranges = layer_ranges(graph);
  for (std::size_t layer = 0; layer < ranges.size(); ++layer)
    for (std::size_t i = ranges[layer].begin; i < ranges[layer].end; ++i) {
      const Node& node = graph.node(graph.order()[i]);
      for (std::size_t input = 0; input < node.inputs.size(); ++input) {
        const ValueId id = node.inputs[input];
        if (id == kNoId || graph.value(id).kind != ValueKind::kWeight) continue;
        const bool multiplies = node.op == &ops::kLinear && input == 1;
        const Readers here{layer, layer, multiplies ? node.inputs[0] : kNoId};
        Readers& known = readers.try_emplace(graph.value(id).name, here).first->second;
        if (layer + 1 < ranges.size()) known.last = layer;
      }
    }
  return readers;
}

std::set<std::string> weights_of(const Graph& graph, NodeRange range) {
  std::set<std::string> names;
  for (std::size_t i = range.begin; i < range.end; ++i)
    for (const ValueId id : graph.node(graph.order()[i]).inputs)
      if (id != kNoId && graph.value(id).kind == ValueKind::kWeight) names.insert(graph.value(id).name);
  return names;
}

class LayerQuantizer {
 public:
  LayerQuantizer(const Checkpoint& checkpoint, const Graph& graph, const Plan& plan, const Samples& samples,
                 std::shared_ptr<ThreadPool> pool, const TakeWeight& take, const Job& job)
      : checkpoint_(checkpoint),
        graph_(graph),
        plan_(plan),
        pool_(pool),
        dense_(*pool),
        take_(take),
        job_(job),
        readers_(readers_of_weights(graph)),
        walk_(graph, samples, std::move(pool)) {}

  std::size_t layers() const { return walk_.ranges().size(); }
  const Readers& readers(const PlannedWeight& planned) const { return readers_.at(planned.name); }

  // `planned`: the weights that this layer reads first.
  void run(std::size_t layer, std::span<const PlannedWeight> planned) {
    const auto weights = std::make_shared<WeightStore>();
    for (const std::string& name : weights_of(graph_, walk_.ranges()[layer])) {
      const auto rounded = rounded_.find(name);
      weights->add(rounded != rounded_.end() ? rounded->second : checkpoint_.with_bytes(name));
    }
    const std::map<ValueId, SecondMoments> moments = look(layer, weights, planned);
    std::map<ValueId, Gptq> solvers;
    for (const PlannedWeight& weight : planned) {
      const Weight before = weights->get(weight.name);
      QuantizedWeight after{.weight = before};
      if (weight.change) {
        after = quantize(before, weight, moments, solvers);
        weights->replace(after.weight);
        if (readers(weight).last > layer) rounded_.emplace(weight.name, after.weight);
      }
      take_(weight, before, after);
    }
    if (layer + 1 < layers()) walk_.advance(layer, weights, job_);
  }

 private:
  std::map<ValueId, SecondMoments> look(std::size_t layer, const std::shared_ptr<WeightStore>& weights,
                                        std::span<const PlannedWeight> planned) {
    std::map<ValueId, SecondMoments> moments;
    std::vector<ValueId> taps;
    std::vector<SecondMoments*> sums;
    for (const PlannedWeight& weight : planned) {
      const ValueId input = readers(weight).input;
      if (!weight.change || input == kNoId) continue;
      const auto [entry, is_new] = moments.try_emplace(input, weights->get(weight.name).shape[1]);
      if (!is_new) continue;
      taps.push_back(input);
      sums.push_back(&entry->second);
    }
    if (taps.empty()) return moments;
    walk_.look(
        layer, weights, taps,
        [&](std::size_t tap, const float* rows, std::int64_t count, std::int64_t) {
          sums[tap]->add(dense_, rows, count);
        },
        job_);
    for (const auto& [input, sums_of_input] : moments)  // in the order of the graph
      if (!sums_of_input.finite()) fail_not_finite(input, planned);
    return moments;
  }

  [[noreturn]] void fail_not_finite(ValueId input, std::span<const PlannedWeight> planned) const {
    const auto reads = std::find_if(planned.begin(), planned.end(),
                                    [&](const auto& p) { return readers(p).input == input; });
    fail(ErrorCode::kInvalid, reads->name, "what it multiplies is not finite on the calibration data");
  }

  QuantizedWeight quantize(const Weight& before, const PlannedWeight& planned,
                           const std::map<ValueId, SecondMoments>& moments,
                           std::map<ValueId, Gptq>& solvers) {
    const ValueId input = readers(planned).input;
    const bool by_gptq = plan_.method == Method::kGptq && input != kNoId;
    const bool by_sparse_gpt = planned.prune && plan_.prune->method == PruneMethod::kSparseGpt;
    SeenInput seen{.moments = input == kNoId ? nullptr : &moments.at(input)};
    if (by_gptq || by_sparse_gpt)
      seen.solver = &solvers.try_emplace(input, dense_, *seen.moments, solver_options(plan_), planned.name)
                         .first->second;
    if (planned.prune) return prune_and_round(dense_, plan_, planned, before, seen);
    if (!by_gptq) return round_to_nearest(before, planned.encoding, planned.arithmetic, *pool_);
    return seen.solver->quantize(dense_, before, planned.encoding, planned.arithmetic);
  }

  const Checkpoint& checkpoint_;
  const Graph& graph_;
  const Plan& plan_;
  std::shared_ptr<ThreadPool> pool_;
  Dense dense_;
  const TakeWeight& take_;
  const Job& job_;
  std::map<std::string, Readers> readers_;
  LayerWalk walk_;
  std::map<std::string, Weight> rounded_;  // that later layers read too
};

}  // namespace

std::vector<PlannedWeight> in_order_of_layers(const Plan& plan, std::vector<PlannedWeight> planned,
                                              const Graph& graph) {
  const std::map<std::string, Readers> readers = readers_of_weights(graph);
  for (PlannedWeight& weight : planned) {
    if (!weight.change || readers.at(weight.name).input != kNoId) continue;
    if (plan.method == Method::kGptq) add_note(weight, kRounded);
    if (!weight.prune || !plan.prune->needs_calibration()) continue;
    add_note(weight, kNotPruned);
    weight.prune = false;
  }
  std::stable_sort(planned.begin(), planned.end(), [&](const PlannedWeight& a, const PlannedWeight& b) {
    return readers.at(a.name).first < readers.at(b.name).first;
  });
  return planned;
}

void quantize_by_layers(const Checkpoint& checkpoint, const Graph& graph, const Plan& plan,
                        const std::vector<PlannedWeight>& planned, const Samples& samples,
                        std::shared_ptr<ThreadPool> pool, const TakeWeight& take, const Job& job) {
  LayerQuantizer quantizer(checkpoint, graph, plan, samples, std::move(pool), take, job);
  for (std::size_t layer = 0, begin = 0; layer < quantizer.layers(); ++layer) {
    std::size_t end = begin;
    while (end < planned.size() && quantizer.readers(planned[end]).first == layer) ++end;
    quantizer.run(layer, std::span(planned).subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace swiftlet
