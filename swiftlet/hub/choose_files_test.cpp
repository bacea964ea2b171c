#include "swiftlet/hub/choose_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "swiftlet/io/test_files.h"

namespace swiftlet::hub {
namespace {

using ::swiftlet::testing::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Choice choose(const char* name, const std::vector<std::string>& listed,
              const std::map<std::string, std::string>& texts = {}) {
  return choose_files(*parse_model_name(name), listed,
                      [&](const std::string& path) -> std::optional<std::string> {
                        const auto found = texts.find(path);
                        return found == texts.end() ? std::nullopt : std::optional(found->second);
                      });
}

TEST(ChooseFiles, TakesSafetensorsAndNothingOfOtherFrameworks) {
  const Choice choice =
      choose("o/n", {".gitattributes", "README.md", "config.json", "flax_model.msgpack", "model.safetensors",
                     "onnx/model.onnx", "pytorch_model.bin", "tf_model.h5", "tokenizer.json", "vocab.txt",
                     "original/consolidated.00.pth"});
  EXPECT_THAT(choice.files, ElementsAre("config.json", "tokenizer.json", "vocab.txt", "model.safetensors"));
  EXPECT_TRUE(choice.whole);
  EXPECT_TRUE(choice.tokenizer);
  EXPECT_EQ(choice.model, "");
}

TEST(ChooseFiles, TakesBinWhereThereIsNothingElse) {
  EXPECT_THAT(choose("o/n", {"config.json", "pytorch_model.bin", "rust_model.ot"}).files,
              ElementsAre("config.json", "pytorch_model.bin"));
}

TEST(ChooseFiles, FollowsTheIndexOfShards) {
  const std::vector<std::string> listed{"config.json", "consolidated.safetensors", "model-1.safetensors",
                                        "model-2.safetensors", "model.safetensors.index.json"};
  const Choice before = choose("o/n", listed);
  EXPECT_THAT(before.files, ElementsAre("config.json", "model.safetensors.index.json"));
  EXPECT_FALSE(before.whole);
  const Choice after = choose(
      "o/n", listed,
      {{"model.safetensors.index.json",
        R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}})"}});
  EXPECT_THAT(after.files, ElementsAre("config.json", "model.safetensors.index.json", "model-1.safetensors",
                                       "model-2.safetensors"));
  EXPECT_TRUE(after.whole);
}

TEST(ChooseFiles, RefusesAnIndexThatLies) {
  const std::vector<std::string> listed{"config.json", "model.safetensors.index.json"};
  const auto error = [&](const char* index) {
    return message_of([&] { choose("o/n", listed, {{"model.safetensors.index.json", index}}); });
  };
  EXPECT_THAT(error(R"({"weight_map": {"a": "../../x"}})"),
              HasSubstr("leads out of its folder: \"../../x\""));
  EXPECT_THAT(error(R"({"weight_map": {"a": "x.safetensors"}})"), HasSubstr("names x.safetensors, which"));
  EXPECT_THAT(error(R"({"weight_map": {"a": 1}})"), HasSubstr("expected names of files"));
  EXPECT_THAT(error("{}"), HasSubstr("weight_map"));
  EXPECT_THAT(error("{"), HasSubstr("not valid JSON"));
}

TEST(ChooseFiles, FollowsTheModulesOfSentenceTransformers) {
  const std::vector<std::string> listed{"1_Pooling/config.json",
                                        "2_Dense/config.json",
                                        "2_Dense/model.safetensors",
                                        "2_Dense/pytorch_model.bin",
                                        "README.md",
                                        "config.json",
                                        "model.safetensors",
                                        "modules.json",
                                        "onnx/model.onnx",
                                        "openvino/x.bin",
                                        "sentence_bert_config.json",
                                        "tokenizer.json"};
  EXPECT_FALSE(choose("o/n", listed).whole);
  const Choice choice =
      choose("o/n", listed,
             {{"modules.json",
               R"([{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}, {"path": "../x"}, 3])"}});
  EXPECT_THAT(choice.files, ElementsAre("config.json", "modules.json", "sentence_bert_config.json",
                                        "tokenizer.json", "1_Pooling/config.json", "2_Dense/config.json",
                                        "model.safetensors", "2_Dense/model.safetensors"));
}

TEST(ChooseFiles, OneFileBringsWhatItNeeds) {
  const std::vector<std::string> listed{"a.gguf", "config.json", "old/config.json", "old/w.bin",
                                        "tokenizer.json"};
  EXPECT_THAT(choose("o/n/a.gguf", listed).files, ElementsAre("a.gguf"));
  EXPECT_EQ(choose("o/n/a.gguf", listed).model, "a.gguf");
  EXPECT_THAT(choose("o/n/old/w.bin", listed).files, ElementsAre("old/config.json", "old/w.bin"));
  EXPECT_THAT(message_of([&] { choose("o/n/b.gguf", listed); }),
              HasSubstr("[o/n/b.gguf] the repository has no such file"));
}

const std::vector<std::string> kGguf{"README.md",
                                     "big-Q8_0-00001-of-00002.gguf",
                                     "big-Q8_0-00002-of-00002.gguf",
                                     "mmproj-F16.gguf",
                                     "m-IQ4_XS.gguf",
                                     "m-Q4_K_M.gguf",
                                     "m-Q4_K_M_L.gguf",
                                     "m.q2_k.gguf"};

TEST(ChooseFiles, TagsNameEncodings) {
  EXPECT_THAT(choose("o/n:q4_k_m", kGguf).files, ElementsAre("m-Q4_K_M.gguf"));
  EXPECT_EQ(choose("o/n:Q2_K", kGguf).model, "m.q2_k.gguf");
  EXPECT_THAT(choose("o/n:Q8_0", kGguf).files,
              ElementsAre("big-Q8_0-00001-of-00002.gguf", "big-Q8_0-00002-of-00002.gguf"));
  EXPECT_EQ(choose("o/n:Q8_0", kGguf).model, "big-Q8_0-00001-of-00002.gguf");
  EXPECT_THAT(message_of([] { choose("o/n:Q4_K", kGguf); }),
              HasSubstr("is named after Q4_K: it holds big-Q8_0"));
  EXPECT_THAT(message_of([] {
                choose("o/n:Q5_0", {"config.json", "model.safetensors"});
              }),
              HasSubstr("it holds none"));
}

TEST(ChooseFiles, SeveralModelsOfOneEncodingAreForTheUserToChoose) {
  const std::vector<std::string> two{"m-Q8_0.gguf", "n-Q8_0.gguf"};
  for (const char* name : {"o/n", "o/n:Q8_0"})
    EXPECT_THAT(
        message_of([&] { choose(name, two); }),
        HasSubstr("several GGUF files to choose from, as o/n/FILE: it holds m-Q8_0.gguf, n-Q8_0.gguf"));
}

TEST(ChooseFiles, WithoutATagTheUsualEncodingIsTaken) {
  EXPECT_EQ(choose("o/n", kGguf).model, "m-Q4_K_M.gguf");
  EXPECT_EQ(choose("o/n", {"x-Q8_0.gguf", "x-F16.gguf"}).model, "x-Q8_0.gguf");
  EXPECT_EQ(choose("o/n", {"x-F16.gguf"}).model, "x-F16.gguf");
  EXPECT_THAT(message_of([] {
                choose("o/n", {"x-F16.gguf", "x-F32.gguf"});
              }),
              HasSubstr("to choose from, as o/n/FILE"));
  EXPECT_THAT(message_of([] { choose("o/n", {"x-Q8_0-00001-of-00002.gguf"}); }),
              HasSubstr("but not x-Q8_0-00002"));
}

TEST(ChooseFiles, SaysWhatThereIsInsteadOfWeights) {
  EXPECT_THAT(message_of([] { choose("o/n", {"config.json", "onnx/model.onnx"}); }), HasSubstr("found ONNX"));
  EXPECT_THAT(message_of([] {
                choose("o/n", {"adapter_config.json", "adapter_model.safetensors"});
              }),
              HasSubstr("an adapter without its model"));
  EXPECT_THAT(message_of([] { choose("o/n", {}); }), HasSubstr("holds no weights"));
}

}  // namespace
}  // namespace swiftlet::hub
