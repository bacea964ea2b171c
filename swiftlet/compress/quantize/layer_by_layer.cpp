#include "swiftlet/compress/quantize/layer_by_layer.h"

#include <algorithm>
#include <map>
#include <set>

#include "swiftlet/compress/calibrate/layer_walk.h"
#include "swiftlet/compress/compress_weight.h"
#include "swiftlet/compress/quantize/gptq.h"
#include "swiftlet/compress/quantize/scale_search.h"
#include "swiftlet/compress/quantize/scale_site.h"
#include "swiftlet/core/error.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kSampleRows = 1024;  // of an input, that factors of channels are tried on
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
        tokens_(samples.tokens),
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
    std::map<std::string, Weight> originals;
    for (const PlannedWeight& weight : planned) originals.emplace(weight.name, weights->get(weight.name));
    seen_.clear();
    notes_.clear();
    look(layer, weights, planned);
    if (plan_.method.scaling != ChannelScaling::kNone) scale_channels(planned, *weights);
    std::map<ValueId, Gptq> solvers;
    for (const PlannedWeight& weight : planned) {
      QuantizedWeight after{.weight = weights->get(weight.name)};
      if (weight.change) {
        after = quantize(after.weight, weight, solvers);
        weights->replace(after.weight);
        if (readers(weight).last > layer) rounded_.emplace(weight.name, after.weight);
      }
      if (const auto note = notes_.find(weight.name); note != notes_.end()) after.note = note->second;
      take_(weight, originals.at(weight.name), after);
    }
    if (layer + 1 < layers()) walk_.advance(layer, weights, job_);
  }

 private:
  // What the calibration data showed of one input, as far as the method wants to know.
  struct Seen {
    std::optional<SecondMoments> moments;
    std::optional<InputSample> sample;

    Seen(const Plan& plan, std::int64_t k, std::int64_t tokens) {
      const bool prunes = plan.prune && plan.prune->needs_calibration();
      if (plan.method.clip || plan.method.rounding == Rounding::kGptq || prunes) moments.emplace(k);
      if (plan.method.scaling != ChannelScaling::kNone) sample.emplace(k, tokens, kSampleRows);
    }
    void add(Dense& dense, const float* rows, std::int64_t count) {
      if (moments) moments->add(dense, rows, count);
      if (sample) sample->add(rows, count);
    }
    bool finite() const { return (!moments || moments->finite()) && (!sample || sample->finite()); }
  };

  void look(std::size_t layer, const std::shared_ptr<WeightStore>& weights,
            std::span<const PlannedWeight> planned) {
    std::vector<ValueId> taps;
    std::vector<Seen*> seen;
    for (const PlannedWeight& weight : planned) {
      const ValueId input = readers(weight).input;
      if (!weight.change || input == kNoId) continue;
      const auto [entry, is_new] =
          seen_.try_emplace(input, plan_, weights->get(weight.name).shape[1], tokens_);
      if (!is_new) continue;
      taps.push_back(input);
      seen.push_back(&entry->second);
    }
    if (taps.empty()) return;
    walk_.look(
        layer, weights, taps,
        [&](std::size_t tap, const float* rows, std::int64_t count, std::int64_t) {
          seen[tap]->add(dense_, rows, count);
        },
        job_);
    for (const auto& [input, of_input] : seen_)  // in the order of the graph
      if (!of_input.finite()) fail_not_finite(input, planned);
  }

  [[noreturn]] void fail_not_finite(ValueId input, std::span<const PlannedWeight> planned) const {
    const auto reads = std::find_if(planned.begin(), planned.end(),
                                    [&](const auto& p) { return readers(p).input == input; });
    fail(ErrorCode::kInvalid, reads->name, "what it multiplies is not finite on the calibration data");
  }

  // Scales the inputs of the layer that a site can divide, and all matrices that read them.
  void scale_channels(std::span<const PlannedWeight> planned, WeightStore& weights) {
    for (auto& [input, seen] : seen_) {
      const std::optional<ScaleSite> site = find_scale_site(graph_, input);
      if (!site || !can_carry(*site, planned, weights)) continue;
      std::vector<ScaledReader> matrices;
      for (const PlannedWeight& weight : planned)
        if (weight.change && readers(weight).input == input && has_group_scales(weight.encoding))
          matrices.push_back({weights.get(weight.name), weight.encoding, weight.arithmetic});
      if (matrices.size() != graph_.users(input).size()) continue;  // one of them stays as it is
      ChannelScales scales =
          search_channel_scales(dense_, plan_.method.scaling, *seen.sample, matrices, site->row);
      if (scales.exponent == 0) continue;
      divide_at_site(*site, scales.s, weights);
      if (weights.shape(site->carrier)->rank() == 1)
        notes_[site->carrier] = "divided by the factors of the channels that it gives";
      if (seen.moments) seen.moments->divide(scales.s);
      for (const ScaledReader& matrix : matrices) {
        weights.replace(with_scaled_columns(matrix.weight, scales.s));
        notes_[matrix.weight.name] = fmt::format("channels scaled, exponent {:.2f}", scales.exponent);
      }
    }
  }

  // Only what this layer is the first to read is not written yet, and only what is rounded anyway may become
  // f32.
  static bool can_carry(const ScaleSite& site, std::span<const PlannedWeight> planned,
                        const WeightStore& weights) {
    const auto find = [&](const std::string& name) {
      return std::find_if(planned.begin(), planned.end(),
                          [&](const auto& weight) { return weight.name == name; });
    };
    const auto carrier = find(site.carrier);
    if (carrier == planned.end() || (!site.bias.empty() && find(site.bias) == planned.end())) return false;
    return carrier->change || weights.shape(site.carrier)->rank() == 1;
  }

  QuantizedWeight quantize(const Weight& before, const PlannedWeight& planned,
                           std::map<ValueId, Gptq>& solvers) {
    const ValueId input = readers(planned).input;
    SeenInput seen;
    if (input != kNoId && seen_.at(input).moments) seen.moments = &*seen_.at(input).moments;
    const bool by_sparse_gpt = planned.prune && plan_.prune->method == PruneMethod::kSparseGpt;
    if (input != kNoId && (plan_.method.rounding == Rounding::kGptq || by_sparse_gpt))
      seen.solver = &solvers.try_emplace(input, dense_, *seen.moments, solver_options(plan_), planned.name)
                         .first->second;
    return compress_weight(dense_, plan_, planned, before, seen);
  }

  const Checkpoint& checkpoint_;
  const Graph& graph_;
  const Plan& plan_;
  std::shared_ptr<ThreadPool> pool_;
  Dense dense_;
  const TakeWeight& take_;
  const Job& job_;
  std::int64_t tokens_;
  std::map<std::string, Readers> readers_;
  LayerWalk walk_;
  std::map<std::string, Weight> rounded_;  // that later layers read too
  // Of the layer under way.
  std::map<ValueId, Seen> seen_;
  std::map<std::string, std::string> notes_;  // by weight
};

}  // namespace

std::vector<PlannedWeight> in_order_of_layers(const Plan& plan, std::vector<PlannedWeight> planned,
                                              const Graph& graph) {
  const std::map<std::string, Readers> readers = readers_of_weights(graph);
  for (PlannedWeight& weight : planned) {
    if (!weight.change || readers.at(weight.name).input != kNoId) continue;
    if (plan.method != Method{}) add_note(weight, kRounded);
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
