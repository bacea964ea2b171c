#include "swiftlet/graph/scope.h"

#include <map>

#include "swiftlet/graph/test_ops.h"

namespace swiftlet {
namespace {

using test::error_of;

struct ScopeTest : testing::Test {
  std::map<std::string, Shape> checkpoint{{"layers.0.proj.weight", {4, 8}}, {"layers.0.proj.bias", {4}}};
  Scope::Shapes shapes = [this](const std::string& name) -> std::optional<Shape> {
    const auto found = checkpoint.find(name);
    return found == checkpoint.end() ? std::nullopt : std::optional<Shape>(found->second);
  };
  Graph graph;
  Scope root{graph, shapes};
  Scope proj = root["layers"][0]["proj"];
};

TEST_F(ScopeTest, JoinsNamesWithDots) {
  EXPECT_EQ(root.prefix(), "");
  EXPECT_EQ(proj.prefix(), "layers.0.proj");
  EXPECT_TRUE(proj.has("weight"));
  EXPECT_FALSE(root.has("weight"));
}

TEST_F(ScopeTest, GivesTheSameSlotAgain) {
  const Value w = proj.weight("weight", {4, 8});
  EXPECT_EQ(graph.value(w.id).name, "layers.0.proj.weight");
  EXPECT_EQ(w.type().to_string(), "f32[4, 8]");
  EXPECT_EQ(proj.weight("weight", std::size_t{2}).id, w.id);
}

TEST_F(ScopeTest, NamesOneResultOfLayersThatShareTheirWeights) {
  const Value first = graph.add_input("a", {DType::kF32, {4}}),
              second = graph.add_input("b", {DType::kF32, {4}});
  EXPECT_EQ(graph.value(proj.name(first).id).name, "layers.0.proj");
  EXPECT_EQ(graph.value(proj.name(second).id).name, "b");
}

TEST_F(ScopeTest, NamesAMissingWeight) {
  EXPECT_EQ(error_of([&] {
              proj.weight("gate", {4, 8});
            }),
            "[layers.0.proj.gate] the checkpoint has no weight of this name, expected [4, 8]");
  EXPECT_EQ(error_of([&] { root["layers"][1].weight("weight", std::size_t{2}); }),
            "[layers.1.weight] the checkpoint has no weight of this name");
}

TEST_F(ScopeTest, NamesAWrongShape) {
  EXPECT_EQ(error_of([&] {
              proj.weight("weight", {8, 4});
            }),
            "[layers.0.proj.weight] has shape [4, 8], the config asks for [8, 4]");
  EXPECT_EQ(error_of([&] { proj.weight("bias", std::size_t{2}); }),
            "[layers.0.proj.bias] has shape [4], expected 2 dimensions");
}

}  // namespace
}  // namespace swiftlet
