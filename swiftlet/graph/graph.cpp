#include "swiftlet/graph/graph.h"

#include <algorithm>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kSmallIntegers = 64;  // larger integer constants are data, not shapes

std::optional<Dims> integers_of(const Tensor& tensor) {
  if (tensor.elements() > kSmallIntegers) return std::nullopt;
  Dims values;
  for (std::int64_t i = 0; i < tensor.elements(); ++i) {
    if (tensor.dtype() == DType::kI64)
      values.emplace_back(tensor.data<std::int64_t>()[i]);
    else if (tensor.dtype() == DType::kI32)
      values.emplace_back(tensor.data<std::int32_t>()[i]);
    else
      return std::nullopt;
  }
  return values;
}

}  // namespace

std::string Type::to_string() const {
  return fmt::format("{}{}", dtype_name(dtype), swiftlet::to_string(shape));
}

const Type& Value::type() const {
  return graph->value(id).type;
}

Value Value::named(std::string name) const {
  ValueInfo& info = graph->value(id);
  if (info.producer != kNoId) graph->node(info.producer).name = name;
  info.name = std::move(name);
  return *this;
}

ValueId Graph::new_value(ValueInfo info) {
  const auto id = static_cast<ValueId>(values_.size());
  if (info.kind == ValueKind::kWeight)
    weights_.emplace(info.name, id);
  else
    others_.push_back(id);
  values_.push_back(std::move(info));
  return id;
}

Value Graph::add_input(std::string name, Type type) {
  return {this, new_value({.name = std::move(name), .kind = ValueKind::kInput, .type = std::move(type)})};
}

Value Graph::add_weight(std::string name, Type type) {
  if (const auto known = find(name)) {
    const ValueInfo& info = value(*known);
    require(info.kind == ValueKind::kWeight && info.type == type, name, "is used as {} and as {}",
            info.type.to_string(), type.to_string());
    return {this, *known};
  }
  return {this, new_value({.name = std::move(name), .kind = ValueKind::kWeight, .type = std::move(type)})};
}

Value Graph::add_constant(Tensor tensor) {
  Type type{tensor.dtype(), {}};
  for (std::int64_t extent : tensor.shape().dims()) type.shape.emplace_back(extent);
  auto integers = integers_of(tensor);
  return {this, new_value({.kind = ValueKind::kConstant,
                           .type = std::move(type),
                           .constant = std::move(tensor),
                           .integers = std::move(integers)})};
}

Value Graph::add_state(std::string name) {
  return {this, new_value({.name = std::move(name), .kind = ValueKind::kState, .type = {DType::kU8, {}}})};
}

std::vector<Value> Graph::add(const OpSchema& op, std::vector<Value> inputs, Attributes attributes) {
  std::vector<ValueId> ids;
  for (const Value& input : inputs) {
    SWIFTLET_ASSERT(!input || input.graph == this);
    ids.push_back(input.id);
  }
  return insert(kNoId, op, std::move(ids), std::move(attributes));
}

std::vector<Value> Graph::insert(NodeId before, const OpSchema& op, std::vector<ValueId> inputs,
                                 Attributes attributes) {
  const auto id = static_cast<NodeId>(nodes_.size());
  Node added{.op = &op,
             .name = fmt::format("{}.{}", op.name, id),
             .inputs = std::move(inputs),
             .attributes = std::move(attributes)};
  std::vector<Inferred> inferred = infer_node(*this, added);  // before anything changes
  const auto place = before == kNoId ? order_.end() : std::find(order_.begin(), order_.end(), before);
  SWIFTLET_ASSERT(before == kNoId || place != order_.end());
  order_.insert(place, id);
  std::vector<Value> outputs;
  for (Inferred& output : inferred) {
    const ValueId value =
        new_value({.type = std::move(output.type), .producer = id, .integers = std::move(output.integers)});
    added.outputs.push_back(value);
    outputs.push_back({this, value});
  }
  nodes_.push_back(std::move(added));
  return outputs;
}

void Graph::add_output(Value value) {
  if (!is_output(value.id)) outputs_.push_back(value.id);
}

bool Graph::is_output(ValueId id) const {
  return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
}

std::optional<ValueId> Graph::find(std::string_view name) const {
  if (const auto weight = weights_.find(name); weight != weights_.end()) return weight->second;
  for (const ValueId id : others_)
    if (value(id).name == name) return id;
  return std::nullopt;
}

std::vector<NodeId> Graph::users(ValueId id) const {
  std::vector<NodeId> found;
  for (NodeId candidate : order_) {
    const auto& inputs = node(candidate).inputs;
    if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) found.push_back(candidate);
  }
  return found;
}

void Graph::replace(ValueId from, ValueId to) {
  for (NodeId id : order_) std::replace(node(id).inputs.begin(), node(id).inputs.end(), from, to);
  std::replace(outputs_.begin(), outputs_.end(), from, to);
  if (value(to).name.empty()) value(to).name = std::exchange(value(from).name, {});
}

void Graph::remove(NodeId id) {
  const auto place = std::find(order_.begin(), order_.end(), id);
  SWIFTLET_ASSERT(place != order_.end());
  order_.erase(place);
  node(id).removed = true;
  for (ValueId output : node(id).outputs) value(output).name.clear();
}

}  // namespace swiftlet
