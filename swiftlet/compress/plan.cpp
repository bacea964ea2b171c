#include "swiftlet/compress/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/round_to_blocks.h"
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

void check_method(const Plan& plan) {
  if (plan.method == Method{}) return;
  std::vector<Encoding> encodings{plan.weights};
  for (const WeightRule& rule : plan.rules)
    if (rule.encoding.is_integer()) encodings.push_back(rule.encoding);
  for (const Encoding& encoding : encodings)
    if (!has_group_scales(encoding))
      fail(ErrorCode::kUnsupported, "method", "{} rounds to int8 and int4, not to {}", to_string(plan.method),
           to_string(encoding));
}

void check_patterns(const std::vector<std::string>& patterns, std::string_view what,
                    const Checkpoint& checkpoint) {
  for (const std::string& pattern : patterns) {
    const bool found = std::any_of(checkpoint.weights.begin(), checkpoint.weights.end(),
                                   [&](const auto& entry) { return matches_pattern(pattern, entry.first); });
    if (!found)
      fail(ErrorCode::kUsage, std::string(what), "'{}' matches no weight of {}", pattern, checkpoint.source);
  }
}

std::vector<std::string> patterns_of(const std::vector<WeightRule>& rules) {
  std::vector<std::string> patterns;
  for (const WeightRule& rule : rules) patterns.push_back(rule.pattern);
  return patterns;
}

// The last that matches.
const WeightRule* rule_of(const Plan& plan, const std::string& name) {
  const auto rule = std::find_if(plan.rules.rbegin(), plan.rules.rend(),
                                 [&](const WeightRule& r) { return matches_pattern(r.pattern, name); });
  return rule != plan.rules.rend() ? &*rule : nullptr;
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
  const WeightRule* const rule = rule_of(plan, weight.name);
  if (role == Role::kOther)
    planned.note = "vector, kept";
  else if (role == Role::kRouter)
    planned.note = "router, kept: it chooses the experts";
  else if (skipped)
    planned.note = "skipped by the plan";
  else if (weight.encoding.is_integer())
    planned.note = kAlreadyQuantized;
  else if (role == Role::kTable && weight.shape[0] != model.vocab_size && rule == nullptr)
    planned.note = kSmallTable;
  else
    planned.change = true;
  if (!planned.change) return planned;
  planned.encoding = rule != nullptr ? rule->encoding : role == Role::kTable ? plan.embeddings : plan.weights;
  if (planned.encoding.has_blocks()) fit_blocks(weight, planned);
  if (plan.prune) plan_pruning(*plan.prune, weight, role == Role::kTable, planned);
  planned.arithmetic = planned.encoding.is_integer()              ? plan.arithmetic
                       : planned.encoding.format == Format::kBF16 ? Arithmetic::kBF16
                                                                  : Arithmetic::kF32;
  return planned;
}

}  // namespace

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
  check_patterns(plan.skip, "skip", checkpoint);
  check_patterns(patterns_of(plan.rules), "rule", checkpoint);
  std::vector<PlannedWeight> planned;
  for (const auto& [name, weight] : checkpoint.weights)
    if (const auto id = model.graph.find(name))
      planned.push_back(plan_weight(plan, model, weight, role_of(model.graph, *id)));
  return planned;
}

Encoding writable_encoding(std::string_view name, std::string_view where) {
  const auto encoding = parse_encoding(name);
  if (!encoding || (encoding->has_blocks() && !rounds_to_blocks(encoding->format)))
    fail(ErrorCode::kUsage, std::string(where),
         "'{}' is not an encoding to write; known are f32, f16, bf16, int8, q5_0, int4, q4_r, and int8 and "
         "int4 "
         "with groups, as int4-g32 or int4-g128-asym",
         name);
  return *encoding;
}

Arithmetic arithmetic_for(const Plan& plan, std::optional<Arithmetic> wanted) {
  const auto is_integer = [](const WeightRule& rule) { return rule.encoding.is_integer(); };
  const bool integers = plan.weights.is_integer() || plan.embeddings.is_integer() ||
                        std::any_of(plan.rules.begin(), plan.rules.end(), is_integer);
  const Arithmetic of_floats = plan.weights.format == Format::kBF16 ? Arithmetic::kBF16 : Arithmetic::kF32;
  if (!wanted) return integers ? Arithmetic::kInt8 : of_floats;
  if (integers && *wanted == Arithmetic::kBF16)
    fail(ErrorCode::kUnsupported, "activations",
         "bf16 activations with int8 or int4 weights are not available; take int8 or f32");
  if (!integers && *wanted == Arithmetic::kInt8)
    fail(ErrorCode::kUsage, "activations", "int8 activations need int8 or int4 weights, not {}",
         to_string(plan.weights));
  if (!integers && *wanted != of_floats)
    fail(ErrorCode::kUsage, "activations", "{} weights are multiplied in {}, not {}", to_string(plan.weights),
         to_string(of_floats), to_string(*wanted));
  return *wanted;
}

WeightRule parse_rule(std::string_view text) {
  const std::size_t sign = text.rfind('=');
  if (sign == std::string_view::npos || sign == 0)
    fail(ErrorCode::kUsage, "rule", "expected PATTERN=ENCODING, like 'model.layers.0.*=int8', got '{}'",
         text);
  return {std::string(text.substr(0, sign)), writable_encoding(text.substr(sign + 1), "rule")};
}

std::string to_string(const WeightRule& rule) {
  return rule.pattern + "=" + to_string(rule.encoding);
}

std::string plan_to_json(const Plan& plan) {
  nlohmann::json json{{"method", to_string(plan.method)},         {"weights", to_string(plan.weights)},
                      {"embeddings", to_string(plan.embeddings)}, {"activations", to_string(plan.arithmetic)},
                      {"rules", nlohmann::json::array()},         {"skip", plan.skip}};
  for (const WeightRule& rule : plan.rules) json["rules"].push_back(to_string(rule));
  const bool sparse_gpt = plan.prune && plan.prune->method == PruneMethod::kSparseGpt;
  if (plan.method.rounding == Rounding::kGptq || sparse_gpt) {
    json["damping"] = plan.gptq.damping;
    json["activation_order"] = solver_options(plan).activation_order;
  }
  if (plan.prune)
    json["prune"] = {{"pattern", to_string(plan.prune->pattern)}, {"method", to_string(plan.prune->method)}};
  return json.dump();
}

Plan plan_from_json(std::string_view text, std::string where) {
  const Config config = Config::parse(text, std::move(where)).recorded();
  Plan plan;
  // What an option of that value would be, its errors placed in the file.
  const auto read = [&](std::string_view key, const auto& parse) -> decltype(parse()) {
    try {
      return parse();
    } catch (const Error& error) {
      const std::string_view message = error.what();  // "[option] what is wrong"
      throw Error(ErrorCode::kInvalid, fmt::format("{}: {}", config.where(), key),
                  message.substr(message.find("] ") + 2));
    }
  };
  const auto encoding = [&](std::string_view key, const Encoding& otherwise) {
    const std::string name = config.string_or(key, to_string(otherwise));
    return read(key, [&] { return writable_encoding(name, key); });
  };
  const std::string method = config.string_or("method", "rtn");
  plan.method = read("method", [&] { return parse_method(method); });
  plan.weights = encoding("weights", plan.weights);
  plan.embeddings = encoding("embeddings", plan.embeddings);
  for (const std::string& rule : config.strings("rules"))
    plan.rules.push_back(read("rules", [&] { return parse_rule(rule); }));
  std::optional<Arithmetic> wanted;
  if (config.has("activations")) {
    wanted = parse_arithmetic(config.require_string("activations"));
    if (!wanted) config.fail_value("activations", "f32, bf16 or int8");
  }
  plan.arithmetic = read("activations", [&] { return arithmetic_for(plan, wanted); });
  plan.skip = config.strings("skip");
  if (const auto prune = config.section("prune")) {
    const std::string pattern = prune->require_string("pattern"),
                      by = prune->string_or("method", "magnitude");
    plan.prune = read("prune", [&] { return parse_pruning(pattern, by); });
  }
  plan.gptq.damping = config.number_or("damping", plan.gptq.damping, 0, 1);
  plan.gptq.activation_order = config.bool_or("activation_order", plan.gptq.activation_order);
  for (const std::string& key : config.unread())
    fail(ErrorCode::kInvalid, fmt::format("{}: {}", config.where(), key),
         "is not known; a plan has method, weights, embeddings, activations, rules, skip, prune, damping "
         "and activation_order");
  return plan;
}

}  // namespace swiftlet
