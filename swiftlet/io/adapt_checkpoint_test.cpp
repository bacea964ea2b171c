#include "swiftlet/io/adapt_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_file;

// A folder whose weights are single rows of two floats, each of one value.
Checkpoint load(const std::string& config, const std::vector<std::pair<std::string, float>>& weights,
                bool stream = false) {
  const TemporaryFolder folder;
  std::string header, bytes;
  for (const auto& [name, value] : weights) {
    header += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[1,2],"data_offsets":[{},{}]}})",
                          header.empty() ? "" : ",", name, bytes.size(), bytes.size() + 8);
    bytes += bytes_of<float>({value, value});
  }
  write_file(folder / "config.json", config);
  write_file(folder / "model.safetensors", testing::safetensors_bytes("{" + header + "}", bytes));
  return load_checkpoint(folder.path(), {.stream = stream});
}

std::vector<std::string> names_of(const Checkpoint& checkpoint) {
  std::vector<std::string> names;
  for (const auto& [name, weight] : checkpoint.weights) {
    EXPECT_EQ(weight.name, name);
    names.push_back(name);
  }
  return names;
}

std::string warnings_of(const std::function<void()>& call) {
  ::testing::internal::CaptureStderr();
  call();
  return ::testing::internal::GetCapturedStderr();
}

const char* const kTied = R"({"model_type":"llama","tie_word_embeddings":true})";
const char* const kEmbeddings = "model.embed_tokens.weight";

TEST(SettleTiedHead, AnotherHeadIsUsedAndToldOf) {
  Checkpoint checkpoint;
  const std::string told = warnings_of([&] {
    checkpoint = load(kTied, {{kEmbeddings, 1}, {"lm_head.weight", 2}});
  });
  EXPECT_FALSE(checkpoint.config.bool_or("tie_word_embeddings", true));
  EXPECT_THAT(told,
              HasSubstr("lm_head.weight is not the model.embed_tokens.weight that it should be tied to"));
}

TEST(SettleTiedHead, TheSameHeadStaysTied) {
  EXPECT_EQ(warnings_of([] {
              EXPECT_TRUE(load(kTied, {{kEmbeddings, 1}, {"lm_head.weight", 1}})
                              .config.bool_or("tie_word_embeddings", false));
            }),
            "");
}

// Families have their own default: only a difference says that they are not tied.
TEST(SettleTiedHead, ConfigsThatSayNothing) {
  const char* const kSilent = R"({"model_type":"gemma"})";
  EXPECT_EQ(warnings_of([&] {
              EXPECT_FALSE(load(kSilent, {{kEmbeddings, 1}, {"lm_head.weight", 2}})
                               .config.bool_or("tie_word_embeddings", true));
              EXPECT_FALSE(
                  load(kSilent, {{kEmbeddings, 1}, {"lm_head.weight", 1}}).config.has("tie_word_embeddings"));
            }),
            "");
}

TEST(SettleTiedHead, AHeadAloneIsTheEmbeddings) {
  for (const bool stream : {false, true}) {
    const Checkpoint checkpoint =
        load(kTied, {{"lm_head.weight", 3}, {"model.layers.0.input_layernorm.weight", 1}}, stream);
    EXPECT_THAT(names_of(checkpoint), ElementsAre(kEmbeddings, "model.layers.0.input_layernorm.weight"));
    EXPECT_THAT(decode(checkpoint.with_bytes(kEmbeddings)), ElementsAre(3, 3));
  }
  const Checkpoint untied = load(R"({"model_type":"llama","tie_word_embeddings":false})",
                                 {{"lm_head.weight", 3}, {"model.layers.0.input_layernorm.weight", 1}});
  EXPECT_EQ(untied.find(kEmbeddings), nullptr);
}

const char* const kPictures =
    R"({"model_type":"gemma3","architectures":["Gemma3ForConditionalGeneration"],"eos_token_id":[1,106],)"
    R"("text_config":{"model_type":"gemma3_text","hidden_size":2},"vision_config":{}})";

TEST(TakeTextModel, LeavesThePartsForPicturesOut) {
  for (const std::string root : {"language_model.model.", "model.language_model."}) {
    Checkpoint checkpoint;
    const std::string told = warnings_of([&] {
      checkpoint = load(kPictures, {{root + "norm.weight", 1},
                                    {root + "layers.0.mlp.up_proj.weight", 2},
                                    {"vision_tower.embeddings.weight", 3},
                                    {"model.multi_modal_projector.weight", 4}});
    });
    EXPECT_THAT(names_of(checkpoint), ElementsAre("model.layers.0.mlp.up_proj.weight", "model.norm.weight"));
    EXPECT_THAT(told, HasSubstr("only the language model is used; left out: model.multi_modal_projector, "
                                "vision_tower"));
    EXPECT_EQ(checkpoint.config.require_string("model_type"), "gemma3_text");
    EXPECT_FALSE(checkpoint.config.has("architectures"));
    EXPECT_EQ(checkpoint.config.require_int("num_key_value_heads"), 4);  // what the class takes
    EXPECT_THAT(checkpoint.config.ints("eos_token_id"), ElementsAre(1, 106));
  }
}

TEST(TakeTextModel, OtherConfigsStay) {
  EXPECT_EQ(load(R"({"model_type":"llama","text_config":{"model_type":"x"}})", {{"a", 1}})
                .config.require_string("model_type"),
            "llama");
}

}  // namespace
}  // namespace swiftlet
