// What the executor records into a profile.
#include "swiftlet/core/profile.h"

#include "tests/support/run_graph.h"
#include "tests/support/small_models.h"

namespace swiftlet {
namespace {

TEST(ExecutorProfile, EveryKernelOfEveryStepOnceWithItsCost) {
  test::GraphRunner runner(test::small_encoder());
  Profile profile(1000);
  runner.executor().set_profile(&profile);
  const auto first = runner.run(test::ragged({3, 1, 5}));
  runner.run(test::ragged({7}));
  runner.executor().set_profile(nullptr);
  runner.run(test::ragged({2}));  // not recorded

  const Program& program = runner.program();
  ASSERT_EQ(profile.rows().size(), program.steps.size());
  EXPECT_EQ(profile.whole().calls, 2);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Profile::Row& row = profile.rows()[i];
    EXPECT_EQ(row.name, program.steps[i].name);
    EXPECT_EQ(row.group, program.steps[i].op);
    EXPECT_EQ(row.calls, 2);
    sum += row.nanoseconds;
    if (row.group != "linear") continue;
    // 9 and 7 rows: x and y of each, the weight once for each step.
    const Node& node = program.graph->node(program.steps[i].node);
    const auto k = static_cast<double>(program.graph->value(node.inputs[1]).type.shape[1].constant());
    const auto n = static_cast<double>(program.graph->value(node.inputs[1]).type.shape[0].constant());
    EXPECT_EQ(row.operations, 2 * 16 * n * k);
    const std::int64_t packed =
        panel_geometry(Encoding{}, static_cast<std::int64_t>(n), static_cast<std::int64_t>(k)).code_bytes();
    EXPECT_EQ(row.bytes, 4 * 16 * (n + k) + 2 * static_cast<double>(packed));
  }
  EXPECT_EQ(sum, profile.whole().nanoseconds);  // kernels stand back to back
  EXPECT_EQ(profile.spans().size(), 2 * (program.steps.size() + 1));
  EXPECT_TRUE(test::same_bits(runner.run(test::ragged({3, 1, 5}))[0], first[0]));
}

TEST(ExecutorProfile, AttentionIsCountedByTheKeysThatItReads) {
  Graph graph = test::small_decoder({.layers = 1});
  CompileOptions options = test::as_built();
  options.paged_cache = true;
  test::GraphRunner runner(graph, options);
  test::TestCache cache(runner.program(), 2, 64, DType::kBF16);
  Profile prefill, decode;
  runner.executor().set_profile(&prefill);
  runner.run(cache.step({40, 9}));
  runner.executor().set_profile(&decode);
  runner.run(cache.step({1, 1}));
  const auto cost_of = [&](const Profile& profile, std::string_view op) {
    for (const Profile::Row& row : profile.rows())
      if (row.group == op) return std::pair(row.operations, row.bytes);
    ADD_FAILURE() << "no " << op;
    return std::pair(0.0, 0.0);
  };
  // 4 query heads on 2 key/value heads of 8 + 8 elements; the cache holds two bytes for each.
  EXPECT_EQ(cost_of(prefill, "attention_paged"),
            std::pair(2.0 * (40 * 41 + 9 * 10) / 2 * 4 * 16, 49 * (4.0 * 4 * 16 + 2 * 2 * 16)));
  EXPECT_EQ(cost_of(decode, "attention_paged"),
            std::pair(2.0 * (41 + 10) * 4 * 16, 2 * 4.0 * 4 * 16 + 51 * 2.0 * 2 * 16));
  EXPECT_EQ(cost_of(decode, "cache_append").second, 2 * (4.0 + 2) * 2 * 16);
}

TEST(ExecutorProfile, AProfileOfAnotherProgramIsRefused) {
  test::GraphRunner encoder(test::small_encoder()), decoder(test::small_decoder());
  Profile profile;
  encoder.executor().set_profile(&profile);
  EXPECT_THROW(decoder.executor().set_profile(&profile), Error);
}

}  // namespace
}  // namespace swiftlet
