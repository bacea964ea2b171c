#include "swiftlet/passes/add_low_rank_branches.h"

#include "swiftlet/graph/print.h"
#include "swiftlet/graph/test_ops.h"
#include "swiftlet/graph/verify.h"
#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

AddLowRankBranches of_rank(std::int64_t rank, std::string_view part) {
  return AddLowRankBranches([=](const std::string& weight) -> std::optional<std::int64_t> {
    if (weight.find(part) == std::string::npos) return std::nullopt;
    return rank;
  });
}

Weight zeros(const Weight& weight) {
  return weight_from_tensor(weight.name, Tensor::zeros(DType::kF32, weight.shape));
}

TEST(AddLowRankBranches, StandsBesideTheLinear) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 8}});
  graph.add_output(
      ops::scale(ops::linear(x, graph.add_weight("m.q.weight", {DType::kF32, {12, 8}})).named("m.q"), 2));
  EXPECT_TRUE(of_rank(3, "q").run(graph));
  verify(graph);
  EXPECT_EQ(to_text(graph),
            "%6 = linear($x, @m.q.weight, -) : f32[tokens, 12]  # m.q\n"
            "%7 = linear($x, @m.q.lora_A.weight, -) : f32[tokens, 3]  # m.q.lora_A\n"
            "%8 = linear(%7, @m.q.lora_B.weight, -) : f32[tokens, 12]  # m.q.lora_B\n"
            "%9 = add(%6, %8) : f32[tokens, 12]  # add.5\n"
            "%3 = scale(%9) {factor=2} : f32[tokens, 12]  # scale.1\n"
            "return %3\n");
  EXPECT_EQ(graph.value(9).name, "m.q");  // the sum is what others know by that name
  EXPECT_FALSE(of_rank(3, "q").run(graph));
}

TEST(AddLowRankBranches, WithZerosTheModelIsAsBefore) {
  const Graph before = test::small_decoder();
  Graph after = before;
  EXPECT_TRUE(of_rank(4, ".").run(after));
  verify(after);
  EXPECT_EQ(test::count_nodes(after, "linear"), 3 * test::count_nodes(before, "linear"));
  const auto weights = test::random_weights(after);
  for (const std::string& name : weights->names())
    if (name.find("lora_B") != std::string::npos) weights->replace(zeros(weights->get(name)));
  test::GraphRunner plain(before, test::as_built(), weights), adapted(after, test::as_built(), weights);
  const test::StepTables step = test::ragged({5, 2});
  EXPECT_TRUE(test::close(adapted.run(step)[0], plain.run(step)[0], 0));
}

TEST(AddLowRankBranches, ALinearThatIsTheOutputAndOneWithAnActivation) {
  Graph graph;
  const Value x = graph.add_input("x", {DType::kF32, {Dim::symbol("tokens"), 8}});
  graph.add_output(ops::linear(x, graph.add_weight("out.weight", {DType::kF32, {8, 8}})).named("y"));
  graph.add_output(graph.add(ops::kLinear,
                             {x, graph.add_weight("act.weight", {DType::kF32, {8, 8}}), Value{}},
                             {{"activation", std::string("gelu")}})[0]);
  EXPECT_TRUE(of_rank(2, "").run(graph));
  verify(graph);
  EXPECT_EQ(test::count_nodes(graph, "linear"), 4);
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  EXPECT_THAT(test::error_of([&] {
                Graph other = test::small_encoder();
                of_rank(0, "").run(other);
              }),
              testing::HasSubstr("rank of a branch must be positive, is 0"));
}

}  // namespace
}  // namespace swiftlet
