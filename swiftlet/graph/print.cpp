#include "swiftlet/graph/print.h"

#include <fmt/format.h>

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
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    text += fmt::format("  n{} [label={}];\n", id, quoted(fmt::format("{}\n{}", node.op->name, node.name)));
    for (ValueId input : node.inputs) {
      if (input == kNoId) continue;
      const ValueInfo& info = graph.value(input);
      if (info.kind == ValueKind::kComputed) {
        text += fmt::format("  n{} -> n{} [label={}];\n", info.producer, id, quoted(info.type.to_string()));
      } else {
        text += fmt::format("  v{} [label={}, shape=ellipse];\n  v{} -> n{};\n", input,
                            quoted(reference(graph, input)), input, id);
      }
    }
  }
  return text + "}\n";
}

}  // namespace swiftlet
