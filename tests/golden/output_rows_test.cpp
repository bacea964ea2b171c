// Of a prompt only the last token's logits are wanted: the head, and the last layer behind its attention,
// work on that row alone.
#include <gtest/gtest.h>

#include "golden_model.h"
#include "swiftlet/engine/step_builder.h"

namespace swiftlet {
namespace {

// Operations of the linears in which these rows end, by name.
std::map<std::string, double> operations(const LoadedModel& model, OutputRows outputs) {
  constexpr int kTokens = 20;
  CompileOptions options{.precision = Arithmetic::kF32};
  for (const char* symbol : {"tokens", "outputs"}) options.maxima[symbol] = kTokens;
  const auto program = std::make_shared<const Program>(compile(model.built.graph, *model.weights, options));
  Executor executor(program, model.weights, model.pool);
  Profile profile;
  executor.set_profile(&profile);
  StepBuilder step(program);
  step.add(std::vector<std::int32_t>(kTokens, 3), outputs);
  executor.run(step.inputs());
  std::map<std::string, double> sums;
  for (const Profile::Row& row : profile.rows()) sums[row.name] += row.operations;
  return sums;
}

TEST(OutputRows, TheHeadRunsOnTheRowsThatAreWanted) {
  const auto folder = source_dir() / "tests/data/models/llama-tied";
  const auto model = LoadedModel::load(folder, {.precision = Arithmetic::kF32, .threads = 1});
  const auto all = operations(*model, OutputRows::kAll), last = operations(*model, OutputRows::kLast),
             none = operations(*model, OutputRows::kNone);
  const auto head = static_cast<double>(2 * model->built.vocab_size * model->built.hidden_size);
  EXPECT_EQ(all.at("logits"), 20 * head);
  EXPECT_EQ(last.at("logits"), head);
  EXPECT_EQ(none.at("logits"), 0);
  const std::string down = fmt::format("model.layers.{}.mlp.down_proj", model->built.layers - 1);
  EXPECT_EQ(last.at(down), all.at(down) / 20);
  EXPECT_EQ(last.at("model.layers.0.mlp.down_proj"), all.at("model.layers.0.mlp.down_proj"));
}

}  // namespace
}  // namespace swiftlet
