#include "swiftlet/passes/pass.h"

#include "swiftlet/core/error.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

// Makes node 1 read its own output.
class Spoil final : public Pass {
 public:
  std::string_view name() const override { return "spoil"; }
  bool run(Graph& graph) override {
    Node& node = graph.node(graph.order()[1]);
    node.inputs[0] = node.outputs[0];
    return true;
  }
};

TEST(RunPasses, NamesThePassThatBreaksAGraph) {
  std::vector<std::unique_ptr<Pass>> passes;
  passes.push_back(std::make_unique<Spoil>());
  Graph graph = test::small_decoder();
  try {
    run_passes(graph, passes, true);
    FAIL() << "nothing was noticed";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("[spoil] left an invalid graph: "));
    EXPECT_THAT(error.what(), testing::HasSubstr("before it is computed"));
  }
}

}  // namespace
}  // namespace swiftlet
