// OutputProbe: what a model gives for some sequences, and how far that moves when a weight changes.
#pragma once

#include <memory>
#include <vector>

#include "swiftlet/compress/calibrate/samples.h"
#include "swiftlet/core/thread_pool.h"
#include "swiftlet/models/family.h"
#include "swiftlet/runtime/weight_store.h"

namespace swiftlet {

class OutputProbe {
 public:
  // Takes the first sequences, cut to 128 tokens, up to 1,024 tokens in all, fewer where the output is so
  // wide that it would take more than 256 MB. The model must live as long as the probe.
  OutputProbe(const models::BuiltModel& model, const Samples& samples, std::shared_ptr<ThreadPool> pool);

  // The last output of the graph, [rows, width].
  std::vector<float> run(const std::shared_ptr<WeightStore>& weights) const;

  // Of logits the mean KL divergence in nats, else |changed - original|² / |original|². Infinite where the
  // changed ones are not finite.
  double distance(const std::vector<float>& original, const std::vector<float>& changed) const;

  std::int64_t tokens() const { return tokens_; }

 private:
  const models::BuiltModel& model_;
  std::shared_ptr<ThreadPool> pool_;
  std::vector<std::vector<std::int32_t>> sequences_;
  std::int64_t tokens_ = 0, width_ = 0;
};

}  // namespace swiftlet
