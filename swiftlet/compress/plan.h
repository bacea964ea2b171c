// Plan: what compression is to do, and what that means for each weight of a model.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/compress/prune/pruning.h"
#include "swiftlet/compress/quantize/gptq.h"
#include "swiftlet/compress/quantize/method.h"
#include "swiftlet/io/checkpoint.h"
#include "swiftlet/models/family.h"

namespace swiftlet {

// Weights by name with * and ?, and what they become.
struct WeightRule {
  std::string pattern;
  Encoding encoding;
};

// "model.layers.0.*=int8-g32". Throws kUsage.
WeightRule parse_rule(std::string_view text);
std::string to_string(const WeightRule& rule);

struct Plan {
  Method method;
  GptqOptions gptq;
  Encoding weights{Format::kInt8, 0, false};     // matrices of linears
  Encoding embeddings{Format::kInt8, 0, false};  // embedding tables, and heads tied to one
  Arithmetic arithmetic = Arithmetic::kInt8;     // with which integer matrices are multiplied
  std::vector<WeightRule> rules;                 // the last that matches counts, instead of the two above
  std::vector<std::string> skip;                 // names with * and ?: these weights stay as they are
  std::optional<Pruning> prune;                  // of matrices of linears
};

// Whether the plan looks at calibration samples.
inline bool needs_calibration(const Plan& plan) {
  return needs_calibration(plan.method) || (plan.prune && plan.prune->needs_calibration());
}
// Of error feedback. SparseGPT takes columns in their own order, as its authors do: those of a group or a
// block, among which it chooses, lie side by side.
GptqOptions solver_options(const Plan& plan);

// Notes.
inline constexpr const char* kAlreadyQuantized = "already quantized";
inline constexpr const char* kSmallTable = "position or type table, kept";

struct PlannedWeight {
  std::string name;
  bool change = false;
  bool prune = false;  // some of its elements become zero
  Encoding encoding;   // when it changes
  Arithmetic arithmetic = Arithmetic::kF32;
  std::string note;  // why it stays, is not pruned, or has another encoding than the plan's
};

void add_note(PlannedWeight& planned, std::string_view note);  // behind what is noted already

// One entry for each weight that the graph reads, in the order of names. Throws kUsage when a pattern matches
// no weight, so that a typing error does not pass in silence, and kUnsupported for an encoding that the
// method does not round to and for a matrix that is not made of what is pruned (check_pattern).
std::vector<PlannedWeight> resolve_plan(const Plan& plan, const models::BuiltModel& model,
                                        const Checkpoint& checkpoint);

// "model.layers.*.mlp.*" against a whole name.
bool matches_pattern(std::string_view pattern, std::string_view name);

// A plan as JSON, and back: what is missing is as in Plan{}. Throws kInvalid, naming `where` and the key, for
// what a plan does not know.
std::string plan_to_json(const Plan& plan);
Plan plan_from_json(std::string_view json, std::string where);

// The arithmetic with which the plan's encodings are multiplied: `wanted`, or int8 where one of them is an
// integer and else that of the floats. Throws kUsage or kUnsupported where `wanted` does not go with them.
Arithmetic arithmetic_for(const Plan& plan, std::optional<Arithmetic> wanted);

// The encoding of that name, with which compress can write a weight. Throws kUsage, naming `where`.
Encoding writable_encoding(std::string_view name, std::string_view where);

}  // namespace swiftlet
