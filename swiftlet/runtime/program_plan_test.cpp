#include "swiftlet/runtime/program_plan.h"

#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

TEST(ProgramPlan, AgreesWithWhatRuns) {
  CompileOptions options;
  options.paged_cache = true;
  options.precision = Arithmetic::kInt8;
  test::GraphRunner runner(test::small_decoder(), options);
  const Program& program = runner.program();
  const ProgramPlan plan = plan_of(program, *runner.weights());
  ASSERT_EQ(plan.kernels.size(), program.steps.size());
  EXPECT_EQ(static_cast<std::size_t>(plan.arena_bytes + plan.workspace_bytes), runner.executor().bytes());
  EXPECT_GT(plan.unshared_bytes, plan.arena_bytes);
  std::int64_t weights = 0;
  for (const BoundWeight& bound : runner.executor().bindings().weights()) weights += bound.weight->bytes();
  EXPECT_EQ(plan.weight_bytes, weights);
  EXPECT_EQ(plan.pack_bytes, runner.weights()->packed_bytes());
  std::int64_t in_kernels = 0, workspace = 0;
  for (std::size_t i = 0; i < plan.kernels.size(); ++i) {
    const ProgramPlan::KernelPlan& kernel = plan.kernels[i];
    EXPECT_EQ(kernel.name, program.steps[i].name);
    in_kernels += kernel.weight_bytes;
    workspace = std::max(workspace, kernel.workspace_bytes);
    for (const ProgramPlan::Output& output : kernel.outputs) {
      EXPECT_EQ(output.bytes == 0, kernel.op == "rope_append") << kernel.name;
      EXPECT_LE(output.offset + output.bytes, plan.arena_bytes) << kernel.name;
    }
  }
  EXPECT_EQ(in_kernels, plan.weight_bytes);  // no weight is shared in this model
  EXPECT_EQ(workspace, plan.workspace_bytes);
}

TEST(ProgramPlan, NamesTypesAndForms) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 40}});
  graph.add_output(ops::linear(x, graph.add_weight("w", {DType::kF32, {20, 40}})).named("y"));
  CompileOptions options = test::as_built();
  options.maxima = {{"tokens", 7}};
  options.precision = Arithmetic::kInt8;
  const test::GraphRunner runner(graph, options);
  const ProgramPlan plan = plan_of(runner.program(), *runner.weights());
  ASSERT_EQ(plan.kernels.size(), 1u);
  const ProgramPlan::KernelPlan& kernel = plan.kernels[0];
  EXPECT_EQ(kernel.name, "y");
  EXPECT_EQ(kernel.op, "linear");
  EXPECT_EQ(kernel.arithmetic, Arithmetic::kInt8);
  ASSERT_EQ(kernel.outputs.size(), 1u);
  EXPECT_EQ(kernel.outputs[0].type, "f32[tokens, 20]");
  EXPECT_EQ(kernel.outputs[0].bytes, 7 * 20 * 4 + 64);
  EXPECT_EQ(kernel.weight_bytes, 32 * (40 + 4));  // two panels of 16 rows, a scale each
  EXPECT_EQ(plan.pack_bytes, kernel.weight_bytes);
}

}  // namespace
}  // namespace swiftlet
