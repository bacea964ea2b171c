// A tokenizer through the keys of a GGUF file and back gives the same ids.
#include "swiftlet/text/gguf_write_tokenizer.h"

#include <gmock/gmock.h>

#include "swiftlet/io/gguf_vocabulary.h"
#include "swiftlet/io/test_files.h"
#include "swiftlet/text/text_testing.h"
#include "swiftlet/text/tokenizer_files.h"

namespace swiftlet::text {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

struct Written {
  swiftlet::testing::TemporaryFolder folder;

  std::shared_ptr<const GgufFile> file(const Tokenizer& tokenizer, std::int64_t rows = 0) const {
    const auto path = folder / "t.gguf";
    GgufWriter writer(path, gguf_tokenizer_keys(tokenizer, rows, "tokenizer.json"), {});
    writer.commit();
    return std::make_shared<const GgufFile>(GgufFile::open(path));
  }
};

class GgufWriteTokenizer : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

void expect_same_ids(const Tokenizer& before, const char* model) {
  const Written written;
  const auto file = written.file(before);
  EXPECT_EQ(file->text("tokenizer.ggml.model"), model);
  const Tokenizer after = Tokenizer::from_source(gguf_tokenizer(file));
  ASSERT_EQ(after.vocab_size(), before.vocab_size());
  const auto texts = hard_texts();
  ASSERT_GE(texts.size(), 100u);
  for (const std::string& text : texts)
    for (const bool special : {false, true}) {
      const Ids ids = after.encode(text, {.add_special = special}).ids;
      EXPECT_EQ(ids, before.encode(text, {.add_special = special}).ids) << shown(text);
    }
  EXPECT_EQ(after.special().eos, before.special().eos);
}

TEST_P(GgufWriteTokenizer, GivesTheSameIds) {
  const auto& [name, model] = GetParam();
  expect_same_ids(load_tokenizer(data_path(name)), model);
}

INSTANTIATE_TEST_SUITE_P(
    All, GgufWriteTokenizer,
    ::testing::Values(std::pair("assets/stories-7m/tokenizer.json", "gpt2"),
                      std::pair("tests/data/gguf/llama-exact/tokenizer.json", "gpt2"),
                      std::pair("tests/data/gguf/bert-mixed/tokenizer.json", "bert"),
                      std::pair("tests/data/tokenizers/stories260k/tokenizer.json", "llama"),
                      std::pair("tests/data/tokenizers/small-unigram/tokenizer.json", "t5")),
    [](const auto& test) { return fmt::format("{}{}", test.param.second, test.index); });

// Pairs too: re-rankers live on them.
TEST(GgufWriteTokenizer, KeepsWhatClassesOfUnigramPutAroundTexts) {
  for (const char* kind : {"XLMRobertaTokenizer", "T5Tokenizer"}) {
    SCOPED_TRACE(kind);
    TokenizerSource source = open_tokenizer(data_path("tests/data/tokenizers/small-unigram/spiece.model"));
    source.config = Config::parse(fmt::format(R"({{"tokenizer_class":"{}"}})", kind), "config");
    const Tokenizer before = Tokenizer::from_source(source);
    expect_same_ids(before, "t5");
    const Written written;
    const Tokenizer after = Tokenizer::from_source(gguf_tokenizer(written.file(before)));
    const TokenizedText pair = after.encode_pair("a dog", "the cat");
    EXPECT_EQ(pair.ids, before.encode_pair("a dog", "the cat").ids);
    EXPECT_GE(pair.ids.size(), 4u);
  }
}

TEST(GgufWriteTokenizer, FillsTheRowsOfTheModel) {
  const Tokenizer tokenizer = load_tokenizer(data_path("assets/stories-7m/tokenizer.json"));
  const Written written;
  const auto vocabulary = read_gguf_vocabulary(*written.file(tokenizer, tokenizer.vocab_size() + 2));
  ASSERT_EQ(std::ssize(vocabulary.tokens), tokenizer.vocab_size() + 2);
  EXPECT_EQ(vocabulary.types.back(), GgufTokenType::kUnused);
  EXPECT_EQ(vocabulary.types.front(), GgufTokenType::kControl);
}

TEST(GgufWriteTokenizer, NamesWhatTheFormatHasNoWordFor) {
  const auto error = [](std::string_view json) {
    return error_of([&] { gguf_tokenizer_keys(Tokenizer::from_json(json, "t.json"), 0, "t.json"); });
  };
  EXPECT_THAT(error(R"({"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}})"),
              HasSubstr("[t.json] a WordLevel vocabulary cannot be written to GGUF"));
  EXPECT_THAT(error(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"),
              HasSubstr("a BPE vocabulary without bytes cannot"));
  EXPECT_THAT(error(R"({"normalizer":{"type":"Lowercase"},"model":{"type":"Unigram","unk_id":0,)"
                    R"("vocab":[["?",0],["a",-1]]}})"),
              HasSubstr("the normalizer Lowercase of a Unigram vocabulary cannot"));
  const std::string bytes =
      R"("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]})";
  EXPECT_THAT(error("{\"normalizer\":{\"type\":\"Lowercase\"}," + bytes + "}"),
              HasSubstr("the normalizer Lowercase of a byte-level vocabulary cannot"));
  EXPECT_THAT(error("{\"pre_tokenizer\":{\"type\":\"Whitespace\"}," + bytes + "}"),
              HasSubstr("the pre-tokenizer Whitespace cannot"));
  EXPECT_THAT(
      error(
          R"({"pre_tokenizer":{"type":"Split","pattern":{"Regex":"x+"},"behavior":"Isolated","invert":false},)" +
          bytes + "}"),
      HasSubstr("GGUF has no name for how texts are cut into words here; it has default, gpt-2"));
}

}  // namespace
}  // namespace swiftlet::text
