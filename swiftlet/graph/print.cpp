#include "swiftlet/graph/print.h"

#include <fmt/format.h>

#include <set>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

std::string reference(const Graph& graph, ValueId id) {
  if (id == kNoId) return "-";
  const ValueInfo& info = graph.value(id);
  switch (info.kind) {
    case ValueKind::kWeight:
      return "@" + info.name;
    case ValueKind::kInput:
    case ValueKind::kState:
      return "$" + info.name;
    case ValueKind::kConstant:
      return fmt::format("const{}", info.type.to_string());
    case ValueKind::kComputed:
      return fmt::format("%{}", id);
  }
  return "?";
}

std::string list(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string text;
  for (ValueId id : ids) text += (text.empty() ? "" : ", ") + reference(graph, id);
  return text;
}

std::string types(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string text;
  for (ValueId id : ids) text += (text.empty() ? "" : ", ") + graph.value(id).type.to_string();
  return text;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

}  // namespace

std::string to_text(const Graph& graph) {
  std::string text;
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    const std::string attributes = node.attributes.to_string();
    text += fmt::format("{} = {}({}){} : {}  # {}\n", list(graph, node.outputs), node.op->name,
                        list(graph, node.inputs), attributes.empty() ? "" : " {" + attributes + "}",
                        types(graph, node.outputs), node.name);
  }
  return text + fmt::format("return {}\n", list(graph, graph.outputs()));
}

std::string to_graphviz(const Graph& graph) {
  std::string text = "digraph swiftlet {\n  node [shape=box, fontname=\"monospace\"];\n";
  std::set<ValueId> drawn;
  // The text of the edge's tail; what no node computes is drawn when it is first read.
  const auto source = [&](ValueId id) {
    const ValueInfo& info = graph.value(id);
    if (info.kind == ValueKind::kComputed) return fmt::format("n{}", info.producer);
    if (drawn.insert(id).second)
      text += fmt::format("  v{} [label={}, shape=ellipse];\n", id, quoted(reference(graph, id)));
    return fmt::format("v{}", id);
  };
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    text += fmt::format("  n{} [label={}];\n", id, quoted(fmt::format("{}\n{}", node.op->name, node.name)));
    for (ValueId input : node.inputs) {
      if (input == kNoId) continue;
      const std::string tail = source(input);
      text += fmt::format("  {} -> n{} [label={}];\n", tail, id, quoted(graph.value(input).type.to_string()));
    }
  }
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const ValueId id = graph.outputs()[i];
    const std::string tail = source(id), &name = graph.value(id).name;
    text += fmt::format("  out{} [label={}, shape=ellipse];\n  {} -> out{} [label={}];\n", i,
                        quoted(name.empty() ? "output" : name), tail, i,
                        quoted(graph.value(id).type.to_string()));
  }
  return text + "}\n";
}

}  // namespace swiftlet
