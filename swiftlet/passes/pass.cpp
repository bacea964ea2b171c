#include "swiftlet/passes/pass.h"

#include "swiftlet/core/error.h"
#include "swiftlet/graph/verify.h"

namespace swiftlet {

void run_passes(Graph& graph, std::span<const std::unique_ptr<Pass>> passes, bool check) {
  for (const auto& pass : passes) {
    const bool changed = pass->run(graph);
    if (!check || !changed) continue;
    try {
      verify(graph);
    } catch (const Error& error) {
      fail(error.code(), pass->name(), "left an invalid graph: {}", error.what());
    }
  }
}

}  // namespace swiftlet
