// verify: the invariants of a graph, checked after every pass in tests and debug builds.
#pragma once

#include "swiftlet/graph/graph.h"

namespace swiftlet {

// Throws Error naming the node when: a value is read before it is computed, a value is computed twice or by a
// node that it does not belong to, a type differs from what inference gives, an input or output id is out of
// range or of a removed node, or two values share a name.
void verify(const Graph& graph);

}  // namespace swiftlet
