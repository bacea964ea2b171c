// Program: a compiled graph: a flat list of kernels over one arena. Immutable, shareable between threads.
//
// Planned for a maximum of every symbol (tokens, sequences, outputs), run for the actual numbers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/graph/lowering.h"
#include "swiftlet/kernels/attention.h"
#include "swiftlet/runtime/weight_store.h"

namespace swiftlet {

struct Program {
  struct Slot {
    std::string name;
    WeightForm form;
  };
  struct Port {  // an input or an output
    std::string name;
    Type type;
    std::vector<Extent> shape;
    Place place;
  };
  struct Step {
    std::string name;  // of the node, for profiles and messages
    std::string_view op;
    Kernel kernel;
    NodeId node = kNoId;                       // of `graph`
    Arithmetic arithmetic = Arithmetic::kF32;  // of its matrix products
    std::vector<std::int32_t> slots;           // by input of the node: the slot of a weight, else -1
  };
  struct Placement {  // of a computed value in the arena; steps are inclusive
    std::string name;
    ValueId value = kNoId;  // of `graph`
    std::size_t offset = 0, bytes = 0;
    int first = 0, last = 0;
  };
  struct State {  // one layer of a paged cache
    int kv_heads = 0, head_dim = 0, value_dim = 0;
  };

  std::shared_ptr<const Graph> graph;  // after all passes: what the steps were lowered from
  std::vector<std::string> symbols;
  std::vector<std::int64_t> maxima;  // by symbol
  std::vector<std::string> ragged_axes;
  std::vector<Port> inputs, outputs;
  std::vector<Slot> slots;
  std::vector<State> states;
  std::vector<Step> steps;
  std::vector<Tensor> constants;  // what Place::pointer points into
  std::size_t arena_bytes = 0, workspace_bytes = 0;
  std::vector<Placement> placements;
  int threads = 1;                   // the largest pool that the workspace was planned for
  std::int64_t unplanned_bytes = 0;  // what the values would need without sharing the arena
  const kernels::KernelTable* table = nullptr;

  // Index by name; throws kNotFound.
  std::size_t input(std::string_view name) const;
  std::size_t output(std::string_view name) const;
  std::size_t symbol(std::string_view name) const;
};

}  // namespace swiftlet
