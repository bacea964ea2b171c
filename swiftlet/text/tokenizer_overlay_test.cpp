// A tokenizer.json with other files beside it, against what transformers makes of them.
#include "swiftlet/text/tokenizer_overlay.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/text/text_testing.h"
#include "swiftlet/warnings.h"

namespace swiftlet::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Ids = std::vector<std::int32_t>;
using Json = nlohmann::json;
namespace fs = std::filesystem;

class Beside : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(path_);
    fs::create_directories(path_);
    set_warning_handler([this](std::string_view text) { warnings_.emplace_back(text); });
  }
  void TearDown() override {
    set_warning_handler({});
    fs::remove_all(path_);
  }
  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  void copy(const std::string& tokenizer) const {
    fs::copy_file(data_path(tokenizer), path_ / "tokenizer.json", fs::copy_options::overwrite_existing);
  }
  std::string file() const { return (path_ / "tokenizer.json").string(); }
  Tokenizer load() const { return load_tokenizer(path_); }
  const fs::path path_ = own_folder("tokenizer_overlay");
  std::vector<std::string> warnings_;
};

void expect_golden(const Tokenizer& tokenizer, const Json& golden) {
  for (const Json& of_case : golden["cases"]) {
    const Ids ids = tokenizer.encode(of_case["text"].get<std::string>()).ids;
    EXPECT_EQ(ids, of_case["ids"].get<Ids>()) << of_case["text"];
    EXPECT_EQ(tokenizer.decode(of_case["ids"].get<Ids>()), of_case["text_of_ids"]) << of_case["text"];
  }
  const Json json = Json::parse(tokenizer.serialized());
  for (const Json& added : golden["added"])
    EXPECT_THAT(json["added_tokens"], testing::Contains(added)) << json["added_tokens"];
}

// Serialized, as tables, and as a folder again it is the same tokenizer.
TEST_F(Beside, FilesOfTransformers) {
  std::ifstream goldens(data_path("tests/data/tokenizers/beside.jsonl"));
  int count = 0;
  for (std::string line; std::getline(goldens, line); ++count) {
    const Json golden = Json::parse(line);
    SetUp();
    SCOPED_TRACE(golden["tokenizer"].dump() + golden["files"].dump());
    copy(golden["tokenizer"]);
    write("config.json", Json{{"model_type", golden["model_type"]}}.dump());
    for (const auto& [name, content] : golden["files"].items()) write(name, content.dump());
    const Tokenizer tokenizer = load();
    expect_golden(tokenizer, golden);
    expect_golden(Tokenizer::from_json(tokenizer.serialized(), "serialized", tokenizer.config()), golden);

    expect_golden(Tokenizer::from_source(source_of(tokenizer, tokenizer.tables())), golden);

    const std::string once = tokenizer.serialized();
    SetUp();
    write("tokenizer.json", once);
    write("tokenizer_config.json", tokenizer.config());
    write("config.json", Json{{"model_type", golden["model_type"]}}.dump());
    EXPECT_EQ(load().serialized(), once);
  }
  EXPECT_EQ(count, 18);
}

// The two forms in which Llama's files put a space in front.
TEST_F(Beside, LlamaWithoutASpaceInFront) {
  std::ifstream goldens(data_path("tests/data/tokenizers/beside.jsonl"));
  Json golden;
  for (std::string line; std::getline(goldens, line);)
    if (line.find("LlamaTokenizerFast") != line.npos) golden = Json::parse(line);
  Json json = Json::parse(std::ifstream(data_path(golden["tokenizer"])));
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", false}};
  write("tokenizer.json", json.dump());
  write("tokenizer_config.json", golden["files"]["tokenizer_config.json"].dump());
  expect_golden(load(), golden);
}

TEST_F(Beside, AFileThatSaysItAllStaysAsItIs) {
  copy("assets/stories-7m/tokenizer.json");
  write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|endoftext|>"})");
  std::ifstream own(file(), std::ios::binary);
  EXPECT_EQ(load().serialized(), std::string(std::istreambuf_iterator<char>(own), {}));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(Beside, IdsThatATokenizerDoesNotGive) {
  copy("assets/stories-7m/tokenizer.json");
  write("added_tokens.json", R"({"<x>": 5000})");
  EXPECT_EQ(load().encode("a<x>").ids, (Ids{65, 4096}));
  EXPECT_THAT(warnings_,
              ElementsAre("[" + file() +
                          "] the files beside it give the token \"<x>\" the id 5000; it gets 4096, "
                          "as in transformers"));
}

TEST_F(Beside, WhatIsNotAppliedIsSaid) {
  copy("tests/data/tokenizers/small-bpe/tokenizer.json");
  write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true})");
  load();
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("add_prefix_space of tokenizer_config.json is true")));
}

TEST_F(Beside, RolesOfOldFiles) {
  copy("assets/stories-7m/tokenizer.json");
  write("special_tokens_map.json", R"({"eos_token": {"content": "<x>"}, "image_token": "<y>"})");
  const Tokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.special().eos, 4096);
  EXPECT_EQ(Json::parse(tokenizer.config()), (Json{{"eos_token", "<x>"}, {"image_token", "<y>"}}));
}

}  // namespace
}  // namespace swiftlet::text
