// Vocabulary files without a tokenizer.json, against what the classes of transformers make of them.
#include "swiftlet/text/tokenizer_files.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/text/sentencepiece.h"
#include "swiftlet/text/text_testing.h"
#include "swiftlet/text/tiktoken.h"

namespace swiftlet::text {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Ids = std::vector<std::int32_t>;
using Json = nlohmann::json;
namespace fs = std::filesystem;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  void TearDown() override { fs::remove_all(path_); }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return (path_ / name).string();
  }
  std::string error() const {
    return error_of([&] { load_tokenizer(path_); });
  }
  const fs::path path_ = own_folder("tokenizer_files");
};

TEST_F(Folder, ClassesOfTransformers) {
  std::ifstream file(data_path("tests/data/tokenizers/families.jsonl"));
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const Json json = Json::parse(line);
    SetUp();
    SCOPED_TRACE(json["files"].dump() + json["config"].dump());
    for (const auto& [name, ours] : json["files"].items())
      fs::copy_file(data_path("tests/data/tokenizers/" + ours.get<std::string>()), path_ / name);
    if (!json["config"].empty()) write("tokenizer_config.json", json["config"].dump());
    const bool names_class = json["config"].contains("tokenizer_class");
    if (json["files"].contains("spm.model") && !names_class)
      write("config.json", R"({"model_type": "deberta-v2"})");
    const Tokenizer tokenizer = load_tokenizer(path_);
    for (const Json& of_case : json["cases"]) {
      const TokenizedText came = tokenizer.encode(of_case["text"].get<std::string>());
      EXPECT_EQ(came.ids, of_case["ids"].get<Ids>()) << of_case["text"];
      if (!of_case.contains("offsets")) continue;
      Json offsets = Json::array();
      for (const Span& span : came.offsets) offsets.push_back({span.begin, span.end});
      EXPECT_EQ(offsets, of_case["offsets"]) << of_case["text"];
    }
  }
  EXPECT_GT(count, 10);
}

TEST_F(Folder, T5AndLlama2ModelsAreTheirTokenizerJson) {
  const char* const data = std::getenv("SWIFTLET_DATA_DIR");
  if (!data) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set: no tokenizers/t5 and tokenizers/llama2";
  const fs::path folder = fs::path(data) / "tokenizers";
  TokenizerSource t5 = open_tokenizer(folder / "t5" / "spiece.model");
  t5.model_type = "t5";
  const std::pair<Tokenizer, Tokenizer> both[] = {
      {Tokenizer::from_source(t5), load_tokenizer(folder / "t5" / "tokenizer.json")},
      {load_tokenizer(folder / "llama2" / "tokenizer.model"),
       load_tokenizer(folder / "llama2" / "tokenizer.json")}};
  std::ifstream file(data_path("tests/data/tokenizers/torture.jsonl"));
  for (std::string line; std::getline(file, line);) {
    const auto text = Json::parse(line).get<std::string>();
    // The json looks for special tokens in normalized text, and knows no U+00A0.
    if (text.find("s>") != text.npos || text.find("unk>") != text.npos || text.find("\u00A0") != text.npos)
      continue;
    for (const auto& [model, json] : both) {
      const TokenizedText came = model.encode(text), expected = json.encode(text);
      EXPECT_EQ(came.ids, expected.ids) << text;
      EXPECT_EQ(came.offsets, expected.offsets) << text;
    }
  }
}

TEST_F(Folder, AddedTokensOfEveryFile) {
  write("vocab.json", R"({"a":0,"b":1,"ab":2,"<s>":3})");
  write("merges.txt", "#version: 0.2\na b\n");
  write("added_tokens.json", R"({"<x>":7,"<y>":5})");
  write("special_tokens_map.json", R"({"eos_token":"<x>","additional_special_tokens":["<z>"]})");
  write("tokenizer_config.json", R"({"bos_token":"<s>","unk_token":null})");
  write("config.json", R"({"model_type":"gpt2"})");
  const Tokenizer tokenizer = load_tokenizer(path_);
  EXPECT_EQ(tokenizer.encode("ab<x>a<y><z><s>").ids, (Ids{2, 7, 0, 5, 8, 3}));
  EXPECT_EQ(tokenizer.special(), (SpecialTokens{.bos = 3, .eos = 7}));
  EXPECT_TRUE(tokenizer.is_special(8));
}

// Fields of a protobuf message.
std::string bytes_field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string number_field(int number, int value) {
  std::string key;
  for (int rest = number << 3; true; rest >>= 7) {
    key.push_back(static_cast<char>(rest > 127 ? rest | 128 : rest));
    if (rest <= 127) break;
  }
  return key + static_cast<char>(value);
}
std::string piece(const std::string& text, float score, int type = 1) {
  std::string bits(4, '\0');
  std::memcpy(bits.data(), &score, 4);
  return bytes_field(1, bytes_field(1, text) + std::string(1, '\x15') + bits + number_field(3, type));
}

TEST_F(Folder, SentencePieceOfItsOwn) {
  const std::string pieces = piece("?", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("▁", -1) +
                             piece("a", -1) + piece("b", -1) + piece("▁ab", -2.5) + piece("<sep>", 0, 4);
  write("tokenizer.model", pieces);
  const Tokenizer unigram = load_tokenizer(path_);
  EXPECT_EQ(unigram.encode("ab  a<sep>b").ids, (Ids{6, 3, 4, 7, 3, 5}));
  EXPECT_EQ(unigram.special(), (SpecialTokens{.bos = 1, .eos = 2, .unk = 0}));
  EXPECT_EQ(unigram.decode(Ids{1, 6, 3, 4, 2}), "ab a");
  write("tokenizer.model", pieces + bytes_field(2, number_field(3, 4)));  // characters
  EXPECT_EQ(load_tokenizer(path_).encode("ab xyb").ids, (Ids{3, 4, 5, 3, 0, 5}));
  write("tokenizer.model", pieces + bytes_field(2, number_field(3, 3)));  // words
  EXPECT_EQ(load_tokenizer(path_).encode("ab b").ids, (Ids{6, 0}));
}

TEST_F(Folder, BrokenSentencePiece) {
  const std::string path = write("spiece.model", "");
  const std::string good = piece("?", 0, 2) + piece("a", -1);
  const auto refused = [&](const std::string& bytes) {
    return error_of([&] { parse_sentencepiece(bytes, "m"); });
  };
  EXPECT_EQ(refused(""), "[m] expected a SentencePiece model, came one without pieces");
  EXPECT_EQ(refused(good + "\x0A"), "[m: byte 25] expected a length, the message ends after 0 bytes");
  EXPECT_EQ(refused(good + "\x0A\x09x"),
            "[m: byte 26] expected at most 1 bytes for field 1, came a length of 9");
  EXPECT_EQ(refused(good + "\x0B"), "[m: byte 25] expected a field of kind 0, 1, 2 or 5, came kind 3");
  EXPECT_EQ(refused(good + std::string("\x08\x01", 2)),
            "[m: byte 26] expected a piece as a field of kind 2, came kind 0");
  EXPECT_EQ(refused(std::string("\x00\x01", 2)),
            "[m: byte 1] expected a field's number from 1 to 536870911, came 0");
  EXPECT_EQ(refused("\x10" + std::string(10, '\xFF')),
            "[m: byte 11] expected a number of at most 10 bytes, came a longer one");
  EXPECT_THAT(refused(piece("\xFF", 0)), HasSubstr("expected a piece in UTF-8, came \"\\xFF\""));
  EXPECT_THAT(refused(piece("a", NAN)), HasSubstr("expected a finite score, came nan"));
  EXPECT_THAT(refused(piece("a", 0, 9)), HasSubstr("expected a type of piece from 1 to 6, came 9"));
  EXPECT_THAT(refused(good + bytes_field(2, number_field(3, 7))),
              HasSubstr("expected a kind of model from 1 to 4, came 7"));
  EXPECT_THAT(refused(good + bytes_field(2, number_field(40, 5))),
              HasSubstr("expected the id of the unknown piece below 2, came 5"));
  write("spiece.model", good + piece("a", 0) + bytes_field(2, number_field(3, 2)));
  EXPECT_EQ(error(), "[" + path + "] expected every piece once, piece 2 is \"a\" again");
  write("spiece.model", good);
  write("tokenizer_config.json", R"({"tokenizer_class":"NllbTokenizerFast"})");
  EXPECT_THAT(error(), StartsWith("[" + path + "] expected a tokenizer of a class that is known (Llama, "));
  write("tokenizer_config.json", R"({"tokenizer_class":"XLNetTokenizer"})");
  EXPECT_EQ(load_tokenizer(path_).encode("a").size(), 4u);  // ▁ is unknown; <sep> and <cls> are added
}

TEST_F(Folder, BrokenTiktoken) {
  const auto refused = [](const std::string& bytes) {
    return error_of([&] { convert_tiktoken(bytes, {}, "m"); });
  };
  EXPECT_EQ(refused(""), "[m] expected a token in base64 and its rank on every line, came no line");
  EXPECT_EQ(refused("YQ== 0\nYg=\n"),
            "[m: line 2] expected a token in base64, a space and its rank, came \"Yg=\"");
  EXPECT_EQ(refused("YQ== 0\nYg== x\n"), "[m: line 2] expected a rank from 0 to 65547, came \"x\"");
  EXPECT_EQ(refused("YQ== 0\nYg== -1\n"), "[m: line 2] expected a rank from 0 to 65547, came \"-1\"");
  EXPECT_EQ(refused("YQ== 0\nYQ== 1\n"),
            "[m: line 2] expected every token and every rank once, came \"YQ== 1\" again");
  EXPECT_EQ(refused("YQ== 0\nYg== 0\n"),
            "[m: line 2] expected every token and every rank once, came \"Yg== 0\" again");
  EXPECT_EQ(refused(" 0\n"), "[m: line 1] expected a token in base64, a space and its rank, came \" 0\"");
}

TEST_F(Folder, BrokenVocabAndMerges) {
  const std::string vocab = write("vocab.json", R"({"a":0,"b":"x"})"), merges = write("merges.txt", "a b\n");
  EXPECT_EQ(error(), "[" + vocab + ": b] expected an integer, came a string");
  write("vocab.json", R"({"a":0,"b":1})");
  EXPECT_THAT(error(), HasSubstr("names the token \"ab\", which the vocabulary lacks"));
  write("merges.txt", "#version: 0.2\na  b\n");
  EXPECT_EQ(error(), "[" + merges + ": line 2] expected two tokens with one space between, came \"a  b\"");
  write("tokenizer_config.json", R"({"tokenizer_class":"WhisperTokenizer"})");
  EXPECT_THAT(error(), HasSubstr("came WhisperTokenizer: save it as tokenizer.json with transformers"));
  const std::string config =
      write("tokenizer_config.json", R"({"added_tokens_decoder":{"x":{"content":"<x>"}}})");
  EXPECT_EQ(error(), "[" + config + ": added_tokens_decoder.x] expected an id as the name, came \"x\"");
  fs::remove(path_ / "tokenizer_config.json");
  write("merges.txt", "");
  const std::string added = write("added_tokens.json", R"({"<x>":-1})");
  EXPECT_EQ(error(), "[" + added + R"(: ["<x>"]] expected an integer from 0 to 2147483647, came -1)");
}

TEST_F(Folder, Llama2cForThePackage) {
  const Tokenizer tokenizer = load_tokenizer(data_path("assets/stories260K/tok512.bin"));
  const Json json = Json::parse(tokenizer.serialized());
  const Json golden =
      Json::parse(std::ifstream(data_path("tests/data/tokenizers/stories260k/tokenizer.json")));
  EXPECT_EQ(json["model"]["type"], "BPE");
  EXPECT_FALSE(json.contains("swiftlet"));
  for (const char* part : {"normalizer", "decoder", "post_processor"})
    EXPECT_EQ(json[part], golden[part]) << part;
  EXPECT_EQ(json["model"]["vocab"], golden["model"]["vocab"]);
  EXPECT_EQ(json["model"]["merges"].size(), golden["model"]["merges"].size());
  const Json config = Json::parse(tokenizer.config());
  EXPECT_EQ(config["bos_token"], "<s>");
  EXPECT_EQ(config["split_special_tokens"], true);
}

}  // namespace
}  // namespace swiftlet::text
