#include "swiftlet/runtime/program_plan.h"

#include <algorithm>

#include "swiftlet/graph/op_schema.h"

namespace swiftlet {
namespace {

std::int64_t bytes_in(const WeightForm& form, const Shape& shape) {
  if (form.layout == Layout::kRows) return shape.elements() * form.encoding.bits() / 8;
  const PanelGeometry geometry = panel_geometry(form.encoding, shape[0], shape[1]);
  const std::int64_t zero_points =
      form.encoding.asymmetric ? geometry.panels * geometry.groups * kPanelRows : 0;
  return geometry.code_bytes() + geometry.scales_bytes() + zero_points;
}

ProgramPlan::Output describe(const Program& program, ValueId id) {
  const ValueInfo& info = program.graph->value(id);
  ProgramPlan::Output output{.name = info.name, .type = info.type.to_string()};
  const auto place = std::find_if(program.placements.begin(), program.placements.end(),
                                  [&](const Program::Placement& value) { return value.value == id; });
  if (place == program.placements.end()) return output;
  output.offset = static_cast<std::int64_t>(place->offset);
  output.bytes = static_cast<std::int64_t>(place->bytes);
  return output;
}

}  // namespace

ProgramPlan plan_of(const Program& program, const WeightStore& weights) {
  ProgramPlan plan{.arena_bytes = static_cast<std::int64_t>(program.arena_bytes),
                   .unshared_bytes = program.unplanned_bytes,
                   .workspace_bytes = static_cast<std::int64_t>(program.workspace_bytes)};
  std::vector<std::int64_t> slot_bytes;
  for (const Program::Slot& slot : program.slots) {
    const Weight stored = weights.get(slot.name);
    slot_bytes.push_back(bytes_in(slot.form, stored.shape));
    plan.weight_bytes += slot_bytes.back();
    if (stored.encoding != slot.form.encoding || stored.layout != slot.form.layout)
      plan.pack_bytes += slot_bytes.back();
  }
  for (const Program::Step& step : program.steps) {
    ProgramPlan::KernelPlan kernel{.name = step.name,
                                   .op = std::string(step.op),
                                   .arithmetic = step.arithmetic,
                                   .workspace_bytes = static_cast<std::int64_t>(step.kernel.workspace)};
    for (ValueId output : program.graph->node(step.node).outputs)
      kernel.outputs.push_back(describe(program, output));
    for (std::int32_t slot : step.slots)
      if (slot >= 0) kernel.weight_bytes += slot_bytes[static_cast<std::size_t>(slot)];
    plan.kernels.push_back(std::move(kernel));
  }
  return plan;
}

}  // namespace swiftlet
