#include "swiftlet/ops/registry.h"

#include <set>

#include "swiftlet/graph/test_ops.h"

namespace swiftlet::ops {
namespace {

TEST(Registry, FindsEveryOpByItsName) {
  for (const OpSchema* op : all_ops()) EXPECT_EQ(&find_op(op->name), op) << op->name;
}

TEST(Registry, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const OpSchema* op : all_ops()) EXPECT_TRUE(names.insert(op->name).second) << op->name;
}

TEST(Registry, EveryOpInfersRunsOnTheCpuAndHasACost) {
  for (const OpSchema* op : all_ops()) {
    EXPECT_NE(op->infer, nullptr) << op->name;
    EXPECT_NE(op->lower_cpu, nullptr) << op->name;
    EXPECT_NE(op->cost, nullptr) << op->name;
  }
}

TEST(Registry, FusedOpsNameWhatTheyStandFor) {
  for (const char* name : {"linear_merged", "add_layer_norm", "add_rms_norm", "gate", "gated_linear",
                           "embedding_norm", "rope_append"})
    EXPECT_NE(find_op(name).decompose, nullptr) << name;
}

TEST(Registry, AnUnknownNameIsAnError) {
  EXPECT_EQ(test::error_of([] { find_op("conv2d"); }), "[ops] there is no op named 'conv2d'");
}

}  // namespace
}  // namespace swiftlet::ops
