#include "swiftlet/compress/search/output_probe.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/step_builder.h"
#include "swiftlet/eval/distribution.h"
#include "swiftlet/runtime/compile.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kTokens = 1024, kLength = 128;
constexpr std::int64_t kElements = std::int64_t{64} << 20;  // of the output

bool is_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

double relative_square(const std::vector<float>& original, const std::vector<float>& changed) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < original.size(); ++i) {
    difference += (double{changed[i]} - original[i]) * (double{changed[i]} - original[i]);
    norm += double{original[i]} * original[i];
  }
  return norm > 0 ? difference / norm : difference;
}

}  // namespace

OutputProbe::OutputProbe(const models::BuiltModel& model, const Samples& samples,
                         std::shared_ptr<ThreadPool> pool)
    : model_(model), pool_(std::move(pool)) {
  width_ = model.graph.value(model.graph.outputs().back()).type.shape.back().constant();
  const std::int64_t most = std::clamp<std::int64_t>(kElements / width_, 1, kTokens);
  for (const auto& sequence : samples.sequences) {
    const std::int64_t length =
        std::min({static_cast<std::int64_t>(sequence.size()), kLength, most - tokens_});
    if (length <= 0) break;
    sequences_.emplace_back(sequence.begin(), sequence.begin() + length);
    tokens_ += length;
  }
}

std::vector<float> OutputProbe::run(const std::shared_ptr<WeightStore>& weights) const {
  const auto program = std::make_shared<const Program>(
      compile(model_.graph, *weights,
              {.maxima = {{"tokens", tokens_},
                          {"sequences", static_cast<std::int64_t>(sequences_.size())},
                          {"outputs", tokens_}},
               .threads = pool_->size()}));
  Executor executor(program, weights, pool_);
  StepBuilder step(program);
  for (const auto& sequence : sequences_) step.add(sequence, OutputRows::kAll);
  executor.run(step.inputs());
  const TensorView value = executor.output(program->outputs.size() - 1);
  const auto* const begin = static_cast<const float*>(value.data);
  return {begin, begin + value.shape.elements()};
}

double OutputProbe::distance(const std::vector<float>& original, const std::vector<float>& changed) const {
  SWIFTLET_ASSERT(original.size() == changed.size());
  if (!is_finite(changed)) return std::numeric_limits<double>::infinity();
  if (model_.kind != models::Kind::kDecoder) return relative_square(original, changed);
  const auto width = static_cast<std::size_t>(width_);
  double sum = 0;
  for (std::size_t i = 0; i < original.size(); i += width)
    sum += kl_divergence({original.data() + i, width}, {changed.data() + i, width});
  return sum * static_cast<double>(width) / static_cast<double>(original.size());
}

}  // namespace swiftlet
