// LayerWalk: runs a model over calibration samples layer by layer, so that of its weights those of one layer
// are in memory, and of its activations what crosses from one layer into the next.
//
//   for (layer = 0; layer < walk.ranges().size(); ++layer) {
//     walk.look(layer, weights, the inputs of its linears, ...);    // what its matrices meet
//     ... replace weights ...
//     walk.advance(layer, weights);                                 // what the next layer meets
//   }
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "swiftlet/compress/calibrate/samples.h"
#include "swiftlet/core/thread_pool.h"
#include "swiftlet/graph/slice.h"
#include "swiftlet/job.h"
#include "swiftlet/runtime/weight_store.h"

namespace swiftlet {

// The nodes of a graph cut where another layer begins: at the first node that reads a weight of another
// number
// ("model.layers.3."), and at the first behind the layers that reads one without.
std::vector<NodeRange> layer_ranges(const Graph& graph);

class LayerWalk {
 public:
  // Graph and samples must live as long as the walk.
  LayerWalk(const Graph& graph, const Samples& samples, std::shared_ptr<ThreadPool> pool);

  // Called with rows [count, width] of the tap of that number, f32, dense.
  using Look =
      std::function<void(std::size_t tap, const float* rows, std::int64_t count, std::int64_t width)>;

  const std::vector<NodeRange>& ranges() const { return ranges_; }  // layer_ranges() of the graph

  // Computes f32 values of a layer, or such as crossed into it, over all samples, in the arithmetic that the
  // weights are stored in. The layers before it must have been advanced over. The job sees "calibrate".
  void look(std::size_t layer, std::shared_ptr<WeightStore> weights, const std::vector<ValueId>& taps,
            const Look& look, const Job& job);
  // Computes what later layers read, and forgets what they do not.
  void advance(std::size_t layer, std::shared_ptr<WeightStore> weights, const Job& job);

 private:
  struct Batch {
    std::vector<std::size_t> sequences;
    std::map<ValueId, Tensor> values;  // that crossed
  };
  using Done = std::function<void(Batch& batch, std::size_t output, const TensorView& value)>;
  // Two passes for each layer: the look and the advance.
  void run(std::size_t pass, std::shared_ptr<WeightStore> weights, const std::vector<ValueId>& outputs,
           const Done& done, const Job& job);

  const Graph& graph_;
  const Samples& samples_;
  std::shared_ptr<ThreadPool> pool_;
  std::vector<NodeRange> ranges_;
  std::vector<Batch> batches_;
  std::int64_t most_tokens_ = 0, most_sequences_ = 0;
};

}  // namespace swiftlet
