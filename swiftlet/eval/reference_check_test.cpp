#include "swiftlet/eval/reference_check.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/eval/test_folder.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {
namespace {

using ::testing::HasSubstr;

std::string model_folder() {
  return SWIFTLET_SOURCE_DIR "/tests/data/models/llama-grouped";
}

struct ReferenceCheck : ::testing::Test {
  std::shared_ptr<LoadedModel> model =
      LoadedModel::load(model_folder(), {.precision = Arithmetic::kF32, .threads = 1});
  std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / fmt::format("reference-{}.safetensors", ::getpid());
  std::map<std::string, Tensor> tensors;

  void SetUp() override {
    const SafetensorsFile dump = SafetensorsFile::open(model_folder() + "/golden.safetensors");
    for (const auto& entry : dump.entries()) tensors.emplace(entry.name, dump.tensor(entry));
  }
  void TearDown() override { std::filesystem::remove(path); }

  std::vector<ReferenceDifference> check() {
    std::vector<SafetensorsDeclaration> declared;
    for (const auto& [name, tensor] : tensors) declared.push_back({name, tensor.dtype(), tensor.shape()});
    SafetensorsWriter writer(path, declared, {});
    for (const auto& [name, tensor] : tensors) writer.write(name, tensor.buffer().bytes());
    writer.commit();
    return check_reference(*model, path);
  }
  std::string error() {
    try {
      check();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  // Tensors of the file are mapped: a copy with one value changed.
  void change(const std::string& name, std::size_t index, float value) {
    std::vector<float> values = to_floats(tensors.at(name));
    values[index] = value;
    tensors[name] = Tensor::from(values, tensors.at(name).shape());
  }
};

TEST_F(ReferenceCheck, GoesThroughTheNetworkInOrder) {
  const auto places = check();
  ASSERT_EQ(std::ssize(places), model->built.layers + 2);
  EXPECT_EQ(places.front().value, "hidden.0");
  EXPECT_EQ(places.back().value, "logits");
  for (const ReferenceDifference& place : places) EXPECT_LT(place.relative_l2, 5e-6) << place.value;
}

TEST_F(ReferenceCheck, FindsTheElementAndTheSequenceThatDiffer) {
  change("hidden.1.2", 5, 1000);
  const auto places = check();
  EXPECT_LT(places[1].relative_l2, 5e-6);
  EXPECT_GT(places[2].relative_l2, 0.5);
  EXPECT_EQ(places[2].tensor, "hidden.1.2");
  EXPECT_EQ(places[2].worst_element, 5);
  EXPECT_EQ(places[2].reference, 1000);
  change("hidden.1.2", 5, std::nanf(""));
  EXPECT_TRUE(std::isnan(check()[2].relative_l2));
}

TEST_F(ReferenceCheck, TakesWhatIsThere) {
  for (const auto& [name, tensor] : std::map(tensors))
    if (name.starts_with("hidden.") || name.ends_with(".2")) tensors.erase(name);
  std::vector<std::int64_t> wide;
  for (const std::int32_t id : tensors.at("input_ids.0").span<std::int32_t>()) wide.push_back(id);
  Tensor ids = Tensor::zeros(DType::kI64, Shape{std::ssize(wide)});
  std::copy(wide.begin(), wide.end(), ids.mutable_data<std::int64_t>());
  tensors["input_ids.0"] = ids;
  const auto places = check();
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places[0].value, "logits");
}

TEST_F(ReferenceCheck, BadDumpsAreNamed) {
  const auto whole = tensors;
  tensors["input_ids.0"] = Tensor::from(std::vector<float>{1, 2}, Shape{2});
  EXPECT_THAT(error(), HasSubstr("tensor 'input_ids.0'] expected i32 or i64, is f32"));
  tensors = whole;
  tensors["logits.0"] = Tensor::from(std::vector<float>{1, 2}, Shape{2});
  EXPECT_THAT(error(), HasSubstr("tensor 'logits.0'] is [2], which is not the"));
  tensors = whole;
  Tensor ids = Tensor::zeros(DType::kI32, Shape{1});
  ids.mutable_data<std::int32_t>()[0] = 1 << 30;
  tensors["input_ids.0"] = ids;
  EXPECT_THAT(error(), HasSubstr("1073741824"));
  tensors = whole;
  tensors["input_ids.1"] = Tensor::zeros(DType::kI32, Shape{100000});
  EXPECT_THAT(error(), HasSubstr("tokens"));
  tensors.clear();
  tensors["x"] = Tensor::from(std::vector<float>{1}, Shape{1});
  EXPECT_THAT(error(), HasSubstr("has no input_ids.0: it is no dump of a reference"));
  tensors["input_ids.0"] = whole.at("input_ids.0");
  EXPECT_THAT(error(), HasSubstr("has neither hidden.0.0 nor last_hidden.0 nor logits.0"));
}

}  // namespace
}  // namespace swiftlet
