//   Before: rope(k, positions) -> r               After: rope_append(k, v, positions, $cache.0) -> cache.0'
//           cache_append(r, v, $cache.0) -> cache.0'
#include "swiftlet/passes/fuse_rope_append.h"

#include "swiftlet/ops/attention.h"
#include "swiftlet/ops/rope.h"
#include "swiftlet/ops/rope_append.h"

namespace swiftlet {
namespace {

bool fuse(Graph& graph, NodeId id) {
  const Node append = graph.node(id);
  if (append.op != &ops::kCacheAppend) return false;
  const ValueId keys = append.inputs[0];
  const NodeId rope_id = graph.value(keys).producer;
  if (rope_id == kNoId || graph.node(rope_id).op != &ops::kRope || graph.is_output(keys) ||
      graph.users(keys).size() != 1 || append.inputs[1] == keys)
    return false;
  const Node rope = graph.node(rope_id);
  Attributes attributes = append.attributes;
  // The same name for the same thing in both: the size of a key's head.
  if (rope.attributes.get<std::int64_t>("head_dim") != attributes.get<std::int64_t>("head_dim")) return false;
  ops::copy_rope_attributes(rope.attributes, attributes);
  const Value fused =
      graph.insert(id, ops::kRopeAppend, {rope.inputs[0], append.inputs[1], rope.inputs[1], append.inputs[2]},
                   std::move(attributes))[0];
  graph.replace(append.outputs[0], fused.id);
  graph.remove(id);
  graph.remove(rope_id);
  return true;
}

}  // namespace

bool FuseRopeAppend::run(Graph& graph) {
  bool changed = false;
  for (NodeId id : std::vector<NodeId>(graph.order()))
    if (!graph.node(id).removed && fuse(graph, id)) changed = true;
  return changed;
}

}  // namespace swiftlet
