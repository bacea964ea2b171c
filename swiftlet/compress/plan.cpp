#include "swiftlet/compress/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/ops/embedding.h"
#include "swiftlet/ops/experts.h"
#include "swiftlet/ops/linear.h"

namespace swiftlet {
namespace {

constexpr int kRowGroup = 32;  // of rows that do not fill the blocks of their encoding

enum class Role { kOther, kMatrix, kTable, kRouter };

// A table that is also a matrix (tied head) counts as a table: both read one weight.
Role role_of(const Graph& graph, ValueId weight) {
  Role role = Role::kOther;
  for (NodeId id : graph.users(weight)) {
    const Node& node = graph.node(id);
    if (node.op == &ops::kEmbedding && node.inputs[1] == weight) return Role::kTable;
    if (node.op == &ops::kLinear && node.inputs[1] == weight) role = Role::kMatrix;
    if (node.op == &ops::kRoute && node.inputs[1] == weight) role = Role::kRouter;
    if (node.op == &ops::kExperts && graph.value(weight).type.shape.size() == 2) role = Role::kMatrix;
  }
  return role;
}

struct MethodName {
  Method method;
  std::string_view name;
};
constexpr MethodName kMethods[] = {{Method::kRoundToNearest, "rtn"}, {Method::kGptq, "gptq"}};

void check_method(const Plan& plan) {
  if (plan.method == Method::kRoundToNearest) return;
  if (!plan.weights.is_integer() || plan.weights.has_blocks())
    fail(ErrorCode::kUnsupported, "method", "{} rounds to int8 and int4, not to {}", to_string(plan.method),
         to_string(plan.weights));
}

void check_skip_patterns(const Plan& plan, const Checkpoint& checkpoint) {
  for (const std::string& pattern : plan.skip) {
    const bool found = std::any_of(checkpoint.weights.begin(), checkpoint.weights.end(),
                                   [&](const auto& entry) { return matches_pattern(pattern, entry.first); });
    if (!found) fail(ErrorCode::kUsage, "skip", "'{}' matches no weight of {}", pattern, checkpoint.source);
  }
}

// Rows that do not fill the blocks of an encoding get the nearest one of any length.
void fit_blocks(const Weight& weight, PlannedWeight& planned) {
  const std::int64_t columns = block_size(planned.encoding.format).columns;
  const std::int64_t row = weight.shape[weight.shape.rank() - 1];
  if (row % columns == 0) return;
  planned.note = fmt::format("{} wants a multiple of {} columns", to_string(planned.encoding), columns);
  const Format wider = planned.encoding.bits() > 4 ? Format::kInt8 : Format::kInt4;
  planned.encoding = {.format = wider, .group = kRowGroup};
}

void plan_pruning(const Pruning& pruning, const Weight& weight, bool is_table, PlannedWeight& planned) {
  if (is_table) return add_note(planned, "not pruned: a table");
  check_pattern(pruning.pattern, weight);
  planned.prune = true;
}

PlannedWeight plan_weight(const Plan& plan, const models::BuiltModel& model, const Weight& weight,
                          Role role) {
  PlannedWeight planned{.name = weight.name, .arithmetic = weight.arithmetic};
  const bool skipped = std::any_of(plan.skip.begin(), plan.skip.end(), [&](const std::string& pattern) {
    return matches_pattern(pattern, weight.name);
  });
  if (role == Role::kOther)
    planned.note = "vector, kept";
  else if (role == Role::kRouter)
    planned.note = "router, kept: it chooses the experts";
  else if (skipped)
    planned.note = "skipped by the plan";
  else if (weight.encoding.is_integer())
    planned.note = kAlreadyQuantized;
  else if (role == Role::kTable && weight.shape[0] != model.vocab_size)
    planned.note = "position or type table, kept";
  else
    planned.change = true;
  if (!planned.change) return planned;
  planned.encoding = role == Role::kTable ? plan.embeddings : plan.weights;
  if (planned.encoding.has_blocks()) fit_blocks(weight, planned);
  if (plan.prune) plan_pruning(*plan.prune, weight, role == Role::kTable, planned);
  planned.arithmetic = planned.encoding.is_integer()              ? plan.arithmetic
                       : planned.encoding.format == Format::kBF16 ? Arithmetic::kBF16
                                                                  : Arithmetic::kF32;
  return planned;
}

}  // namespace

std::string_view to_string(Method method) {
  for (const MethodName& known : kMethods)
    if (known.method == method) return known.name;
  return "";
}

std::optional<Method> parse_method(std::string_view name) {
  for (const MethodName& known : kMethods)
    if (known.name == name) return known.method;
  return std::nullopt;
}

GptqOptions solver_options(const Plan& plan) {
  GptqOptions options = plan.gptq;
  if (plan.prune && plan.prune->method == PruneMethod::kSparseGpt) options.activation_order = false;
  return options;
}

void add_note(PlannedWeight& planned, std::string_view note) {
  planned.note += fmt::format("{}{}", planned.note.empty() ? "" : "; ", note);
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  // The usual linear-time match: after a mismatch, the last * takes one character more.
  std::size_t p = 0, n = 0, star = std::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p, ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<PlannedWeight> resolve_plan(const Plan& plan, const models::BuiltModel& model,
                                        const Checkpoint& checkpoint) {
  check_method(plan);
  check_skip_patterns(plan, checkpoint);
  std::vector<PlannedWeight> planned;
  for (const auto& [name, weight] : checkpoint.weights)
    if (const auto id = model.graph.find(name))
      planned.push_back(plan_weight(plan, model, weight, role_of(model.graph, *id)));
  return planned;
}

std::string plan_to_json(const Plan& plan) {
  nlohmann::json json{{"method", to_string(plan.method)},
                      {"weights", to_string(plan.weights)},
                      {"embeddings", to_string(plan.embeddings)},
                      {"activations", to_string(plan.arithmetic)},
                      {"skip", plan.skip}};
  const bool sparse_gpt = plan.prune && plan.prune->method == PruneMethod::kSparseGpt;
  if (plan.method == Method::kGptq || sparse_gpt) {
    json["damping"] = plan.gptq.damping;
    json["activation_order"] = solver_options(plan).activation_order;
  }
  if (plan.prune) {
    json["prune"] = {{"pattern", to_string(plan.prune->pattern)}, {"method", to_string(plan.prune->method)}};
    const double ratio = ratio_of(plan.prune->pattern);
    json["prune"]["ratio"] = ratio > 0 ? nlohmann::json(ratio) : nlohmann::json(nullptr);
  }
  return json.dump();
}

}  // namespace swiftlet
