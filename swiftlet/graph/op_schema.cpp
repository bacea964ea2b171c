#include "swiftlet/graph/op_schema.h"

#include "swiftlet/core/error.h"

namespace swiftlet {

const ValueInfo& NodeView::info(std::size_t input) const {
  require(has(input), "infer", "input {} is missing", input);
  return graph.value(node.inputs[input]);
}

const Type& NodeView::type(std::size_t input) const {
  return info(input).type;
}

namespace {

[[noreturn]] void fail_with_name(const Node& node, const Error& error) {
  std::string_view reason = error.what();
  if (const auto bracket = reason.find("] "); reason.starts_with("[") && bracket != std::string_view::npos)
    reason.remove_prefix(bracket + 2);
  fail(error.code(), fmt::format("{} ({})", node.name, node.op->name), "{}", reason);
}

}  // namespace

std::vector<Inferred> infer_node(const Graph& graph, const Node& node) {
  try {
    return node.op->infer({graph, node});
  } catch (const Error& error) {
    fail_with_name(node, error);
  }
}

Kernel lower_node(LowerContext& context) {
  try {
    return context.node().op->lower_cpu(context);
  } catch (const Error& error) {
    // Others name a weight or the compiler already.
    if (!std::string_view(error.what()).starts_with("[infer] ")) throw;
    fail_with_name(context.node(), error);
  }
}

}  // namespace swiftlet
