#include "swiftlet/models/head.h"

#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/ops/elementwise.h"
#include "swiftlet/ops/linear.h"
#include "swiftlet/ops/norm.h"
#include "swiftlet/ops/pool.h"

namespace swiftlet::models {
namespace {

using namespace ops;

std::int64_t columns_of(Value x) {
  return x.type().shape.back().constant();
}

// The rows that the head works on.
Value select(Value x, const HeadSpec& spec) {
  switch (spec.task) {
    case Task::kMaskedLm:
      return select_rows(x, x.graph->add_input("output_rows", {DType::kI32, {Dim::symbol("outputs")}}));
    case Task::kSequence:
    case Task::kChoice:
      return pool(x, spec.reading == Reading::kFirst  ? "cls"
                     : spec.reading == Reading::kMean ? "mean"
                                                      : "last");
    default:
      return x;
  }
}

Value transform(Value x, const HeadSpec& spec, const HeadPlace& place) {
  if (spec.dense.empty()) return x;
  const Scope& base = spec.dense_in_root ? place.root : place.top;
  const std::int64_t width = spec.task == Task::kMaskedLm ? columns_of(place.table) : columns_of(x);
  x = linear(x, base[spec.dense], width, spec.dense_bias);
  x = activation(x, spec.activation.empty() ? place.activation : spec.activation);
  if (spec.norm.empty()) return x;
  const Scope norm = place.top[spec.norm];
  const Value bias = spec.norm_bias ? norm.weight("bias", Shape{width}) : Value{};
  return norm.name(layer_norm(x, norm.weight("weight", Shape{width}), bias, place.eps));
}

Value project_to_words(Value x, const HeadSpec& spec, const HeadPlace& place) {
  const std::int64_t words = place.table.type().shape[0].constant();
  const Scope projection = place.top[spec.projection];
  const bool tied = place.config.bool_or("tie_word_embeddings", true) || spec.reads_table;
  const Value weight = tied ? place.table : projection.weight("weight", Shape{words, columns_of(x)});
  if (!spec.projection_bias) return linear(x, weight);
  // Where the weights are tied the bias is too: files hold it under both names, or under one of them.
  const std::size_t dot = spec.bias.rfind('.');
  if (tied && !spec.bias.empty())
    if (const Scope other = place.top[spec.bias.substr(0, dot)]; other.has(spec.bias.substr(dot + 1)))
      return linear(x, weight, other.weight(spec.bias.substr(dot + 1), Shape{words}));
  return linear(x, weight, projection.weight("bias", Shape{words}));
}

std::int64_t outputs_of(const Head& head) {
  if (head.task == Task::kQuestion) return 2;
  return head.task == Task::kChoice ? 1 : static_cast<std::int64_t>(head.labels.size());
}

std::vector<std::string> read_labels(const Config& config) {
  const auto names = config.section("id2label");
  const std::int64_t count = names && !names->empty()
                                 ? static_cast<std::int64_t>(names->json().size())
                                 : config.int_or("num_labels", 2, 1, std::int64_t{1} << 20);
  std::vector<std::string> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    labels.push_back(fmt::format("LABEL_{}", i));
    if (!names || names->empty()) continue;
    const auto found = names->json().find(std::to_string(i));
    require(found != names->json().end(), names->where(), "has {} labels and none numbered {}", count, i);
    labels.back() = found->is_string() ? found->get<std::string>() : found->dump();
  }
  return labels;
}

Problem read_problem(const Config& config, std::size_t labels) {
  const std::string problem = config.string_or("problem_type", "");
  if (problem == "regression") return Problem::kRegression;
  if (problem == "multi_label_classification") return Problem::kMultiLabel;
  require(problem.empty() || problem == "single_label_classification", config.where() + ": problem_type",
          "'{}' is not known; known are single_label_classification, multi_label_classification, regression",
          problem);
  return labels == 1 ? Problem::kMultiLabel : Problem::kSingleLabel;
}

}  // namespace

std::string_view to_string(Task task) {
  switch (task) {
    case Task::kMaskedLm:
      return "masked LM";
    case Task::kSequence:
      return "sequence classification";
    case Task::kToken:
      return "token classification";
    case Task::kQuestion:
      return "question answering";
    case Task::kChoice:
      return "multiple choice";
  }
  return "?";
}

HeadChoice choose_head(const Config& config, std::span<const HeadSpec> heads) {
  const auto architectures = config.strings("architectures");
  if (architectures.empty()) return {};
  const std::string& name = architectures.front();
  for (const HeadSpec& head : heads)
    if (name.ends_with(head.suffix)) return {&head, name};
  if (name.ends_with("Model") && !name.ends_with("LMHeadModel")) return {};
  return {nullptr, name};
}

Head describe_head(const HeadSpec& spec, std::string architecture, const Config& config) {
  Head head{.task = spec.task,
            .architecture = std::move(architecture),
            .reads_last = spec.reading == Reading::kLast};
  if (spec.task == Task::kSequence || spec.task == Task::kToken) head.labels = read_labels(config);
  if (spec.task == Task::kSequence) head.problem = read_problem(config, head.labels.size());
  return head;
}

void add_head(Value x, const HeadSpec& spec, const Head& head, const HeadPlace& place) {
  HeadSpec varied = spec;
  if (spec.vary != nullptr) spec.vary(varied, place.config);
  Value y = transform(select(x, varied), varied, place);
  y = varied.task == Task::kMaskedLm
          ? project_to_words(y, varied, place)
          : linear(y, place.top[varied.projection], outputs_of(head), varied.projection_bias);
  x.graph->add_output(y.named("logits"));
}

}  // namespace swiftlet::models
