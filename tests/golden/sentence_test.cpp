// Sentence encoders with every pooling and every module behind it, against sentence-transformers in float32;
// and the same after a trip through a native file and back to a folder.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/swiftlet.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string folder(const std::string& name) {
  return std::string(SWIFTLET_SOURCE_DIR) + "/tests/data/sentence/" + name;
}

Json golden(const std::string& name) {
  std::ifstream file(folder(name) + "/golden.json");
  return Json::parse(file)["results"];
}

void expect_vectors(const std::string& path, const std::string& name) {
  SCOPED_TRACE(path);
  Model model = Model::load(path, {.precision = "f32", .threads = 2});
  for (const Json& item : golden(name)) {
    SCOPED_TRACE(item["prompt"].get<std::string>() + ": " + item["text"].get<std::string>());
    const Embeddings got = model.embed({item["text"].get<std::string>(), "a longer neighbour in the batch"},
                                       nullptr, item["prompt"].get<std::string>());
    const auto want = item["vector"].get<std::vector<double>>();
    ASSERT_EQ(got.columns, static_cast<std::int64_t>(want.size()));
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got.values[i], want[i], 2e-5) << i;
  }
}

class Sentences : public testing::TestWithParam<const char*> {};

TEST_P(Sentences, VectorsEqualSentenceTransformers) {
  expect_vectors(folder(GetParam()), GetParam());
}

TEST_P(Sentences, SurviveATripThroughBothFormats) {
  const fs::path scratch =
      fs::temp_directory_path() /
      ("swiftlet-sentences-" + std::to_string(testing::UnitTest::GetInstance()->random_seed()) + "-" +
       std::to_string(::getpid()) + "-" + GetParam());
  fs::create_directories(scratch);
  const std::string native = (scratch / "model.swiftlet").string(), back = (scratch / "folder").string();
  convert(folder(GetParam()), native);
  expect_vectors(native, GetParam());
  convert(native, back);
  expect_vectors(back, GetParam());
  fs::remove_all(scratch);
}

INSTANTIATE_TEST_SUITE_P(All, Sentences,
                         testing::Values("dense", "layer-norm", "residual", "last-token", "every-mode",
                                         "no-prompt"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Sentences, PromptsByName) {
  Model model = Model::load(folder("last-token"), {.precision = "f32"});
  const auto vector = [&](std::string_view text, std::string_view prompt) {
    return model.embed({std::string(text)}, nullptr, prompt).values;
  };
  EXPECT_EQ(vector("bird", ""), vector("where is the bird", "none")) << "the default is query";
  EXPECT_EQ(vector("bird", "passage"), vector("bird", "none"));
  EXPECT_EQ(model.prompts().size(), 4u);
  try {
    vector("bird", "title");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_NE(
        std::string(error.what()).find("has no prompt 'title'; there are document, long, passage, query"),
        std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace swiftlet
