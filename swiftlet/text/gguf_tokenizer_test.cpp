// The tokenizers inside GGUF files: against tokenizer.json files of the same pieces, and against the answers
// of llama.cpp.
#include "swiftlet/text/gguf_tokenizer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "swiftlet/io/gguf_testing.h"
#include "swiftlet/io/gguf_vocabulary.h"
#include "swiftlet/text/gguf_pretokenizers.h"
#include "swiftlet/text/text_testing.h"
#include "swiftlet/text/tokenizer.h"

namespace swiftlet::text {
namespace {

namespace fs = std::filesystem;
using swiftlet::testing::bytes_of;
using swiftlet::testing::GgufBytes;
using Ids = std::vector<std::int32_t>;

Tokenizer tokenizer_of(const GgufBytes& bytes) {
  return Tokenizer::from_source(gguf_tokenizer(std::make_shared<const GgufFile>(bytes.file())));
}
std::string fault(const GgufBytes& bytes) {
  return error_of([&] { tokenizer_of(bytes); });
}

// Where the pieces of a GGUF file are those of a tokenizer.json, so are the ids of every text.
void expect_alike(const Tokenizer& gguf, const Tokenizer& json, bool add_special) {
  ASSERT_EQ(gguf.vocab_size(), json.vocab_size());
  const auto texts = hard_texts();
  ASSERT_GE(texts.size(), 100u);
  for (const std::string& text : texts) {
    const Ids ids = gguf.encode(text, {.add_special = add_special}).ids;
    EXPECT_EQ(ids, json.encode(text, {.add_special = add_special}).ids) << shown(text);
    EXPECT_EQ(gguf.decode(ids), json.decode(ids)) << shown(text);
  }
}

TEST(GgufTokenizer, ByteLevelEqualsItsJson) {
  const std::string folder = data_path("tests/data/gguf/llama-exact/");
  const Tokenizer gguf = load_tokenizer(folder + "model.gguf");
  expect_alike(gguf, load_tokenizer(folder + "tokenizer.json"), true);
  EXPECT_EQ(gguf.special().bos, 0);
  EXPECT_TRUE(gguf.is_special(0));
}

TEST(GgufTokenizer, WordPieceEqualsItsJson) {
  const std::string folder = data_path("tests/data/gguf/bert-mixed/");
  const Tokenizer gguf = load_tokenizer(folder + "model.gguf");
  expect_alike(gguf, load_tokenizer(folder + "tokenizer.json"), true);
  EXPECT_EQ(gguf.special().cls, 2);
  EXPECT_EQ(gguf.special().sep, 3);
  EXPECT_EQ(gguf.special().unk, 1);
  EXPECT_EQ(gguf.encode_pair("a", "b").ids.size(), 5u);
}

TEST(GgufTokenizer, SentencePieceEqualsItsJson) {
  const Tokenizer gguf = load_tokenizer(data_path("tests/data/gguf/llama-blocks/model.gguf"));
  expect_alike(gguf, load_tokenizer(data_path("tests/data/tokenizers/stories260k/tokenizer.json")), true);
  EXPECT_EQ(gguf.special().bos, 1);
  EXPECT_EQ(gguf.special().eos, 2);
}

GgufBytes scored_pieces() {
  GgufBytes bytes;
  bytes.text("tokenizer.ggml.model", "llama");
  bytes.texts("tokenizer.ggml.tokens",
              {"<unk>", "<s>", "</s>", "<0x41>", "▁", "a", "b", "▁a", "<", "s", ">", "ab", "<s", "[X]"});
  bytes.array("tokenizer.ggml.scores", GgufKind::kF32, 14,
              bytes_of<float>({0, 0, 0, 0, -9, -8, -7, -1, -6, -5, -4, -2, -3, 0}));
  bytes.array("tokenizer.ggml.token_type", GgufKind::kI32, 14,
              bytes_of<std::int32_t>({2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4}));
  return bytes;
}

TEST(GgufTokenizer, ScoresJoinAndBytesAreTheLastResort) {
  const Tokenizer tokenizer = tokenizer_of(scored_pieces());
  EXPECT_EQ(tokenizer.encode("ab").ids, (Ids{1, 7, 6}));  // "▁a" has the higher score
  EXPECT_EQ(tokenizer.encode("A").ids, (Ids{1, 4, 3}));
  EXPECT_EQ(tokenizer.encode("aé", {.add_special = false}).ids, (Ids{7, 0}));  // no bytes either
  EXPECT_EQ(tokenizer.encode("ab[X]ab", {.add_special = false}).ids, (Ids{7, 6, 13, 7, 6}));
  EXPECT_EQ(tokenizer.encode("<s>", {.add_special = false}).ids, (Ids{1}));
  EXPECT_EQ(tokenizer.decode(Ids{1, 7, 6, 13}), "ab[X]");
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_FALSE(tokenizer.is_special(13));
}

TEST(GgufTokenizer, KeysSayWhatIsAdded) {
  GgufBytes bytes = scored_pieces();
  bytes.boolean("tokenizer.ggml.add_bos_token", false).boolean("tokenizer.ggml.add_eos_token", true);
  bytes.boolean("tokenizer.ggml.add_space_prefix", false);
  const Tokenizer tokenizer = tokenizer_of(bytes);
  EXPECT_EQ(tokenizer.encode("ab").ids, (Ids{11, 2}));
  EXPECT_EQ(tokenizer.decode(Ids{7}), " a");
}

TEST(GgufTokenizer, ChatModelsEndAtTheirOwnTokens) {
  GgufBytes bytes;
  bytes.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "qwen2");
  bytes.texts("tokenizer.ggml.tokens", {"a", "<|endoftext|>", "<|im_end|>", "<|end|>"});
  bytes.array("tokenizer.ggml.token_type", GgufKind::kI32, 4, bytes_of<std::int32_t>({1, 3, 3, 1}));
  bytes.texts("tokenizer.ggml.merges", {});
  bytes.u32("tokenizer.ggml.eos_token_id", 1).u32("tokenizer.ggml.padding_token_id", 0xffffffff);
  bytes.text("tokenizer.chat_template", "{{ messages }}");
  bytes.text("tokenizer.chat_template.tool_use", "{{ tools }}")
      .texts("tokenizer.chat_templates", {"tool_use"});
  const GenerationConfig generation = gguf_generation(bytes.file());
  EXPECT_EQ(generation.eos_token_ids, (std::vector<std::int64_t>{1, 2}));  // 3 is no control token
  EXPECT_EQ(generation.pad_token_id, std::nullopt);
  EXPECT_EQ(gguf_chat_template(bytes.file()), "{{ messages }}");
  EXPECT_EQ(gguf_named_templates(bytes.file()),
            (std::map<std::string, std::string>{{"tool_use", "{{ tools }}"}}));
  EXPECT_EQ(tokenizer_of(bytes).encode("a<|im_end|>").ids, (Ids{0, 2}));
}

TEST(GgufTokenizer, EveryPreTokenizerIsAPatternThatHolds) {
  const std::string names = known_gguf_pretokenizers();
  int count = 0;
  for (std::size_t at = 0; at < names.size(); ++count) {
    const std::size_t end = std::min(names.find(", ", at), names.size());
    const std::string name = names.substr(at, end - at);
    at = end + 2;
    GgufBytes bytes;
    bytes.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", name);
    // The letters that byte-level tokenizers write for bytes: every text can be spelled.
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) {
      const bool shown_as_it_is = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
      static int next = 0;
      if (byte == 0) next = 0;
      const int code = shown_as_it_is ? byte : 256 + next++;
      tokens.push_back(code < 128 ? std::string(1, static_cast<char>(code))
                                  : std::string{static_cast<char>(0xc0 | code >> 6),
                                                static_cast<char>(0x80 | (code & 63))});
    }
    bytes.texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", {});
    const Tokenizer tokenizer = tokenizer_of(bytes);
    for (const std::string& text : hard_texts()) {
      // Malformed UTF-8 and what NFC composes come back otherwise.
      const Ids ids = tokenizer.encode(text, {.add_special = false}).ids;
      if (find_gguf_pretokenizer(name)->compose) continue;
      EXPECT_EQ(tokenizer.decode(ids).size(), ids.size()) << name;
    }
  }
  EXPECT_GE(count, 40);
}

TEST(GgufTokenizerBad, UnigramVocabularies) {
  const auto pieces = [] {
    GgufBytes bytes;
    bytes.text("tokenizer.ggml.model", "t5").texts("tokenizer.ggml.tokens", {"<pad>", "</s>", "<unk>", "▁a"});
    return bytes.array("tokenizer.ggml.scores", GgufKind::kF32, 4, bytes_of<float>({0, 0, 0, -1}));
  };
  EXPECT_EQ(tokenizer_of(pieces()).encode("a  a").ids, (Ids{3, 3, 1}));  // ends by itself
  EXPECT_EQ(fault(pieces().u32("tokenizer.ggml.precompiled_charsmap", 7)),
            "[test.gguf: key 'tokenizer.ggml.precompiled_charsmap'] expected an array of bytes");
  EXPECT_TRUE(fault(pieces().array("tokenizer.ggml.precompiled_charsmap", GgufKind::kU8, 3, "abc"))
                  .find("precompiled_charsmap") != std::string::npos);
  EXPECT_EQ(fault(pieces().boolean("tokenizer.ggml.remove_extra_whitespaces", false)),
            "[test.gguf: key 'tokenizer.ggml.remove_extra_whitespaces'] a Unigram vocabulary that keeps runs "
            "of spaces is not available");
}

TEST(GgufTokenizerBad, SaysWhatDoesNotFit) {
  GgufBytes none;
  EXPECT_EQ(gguf_tokenizer(std::make_shared<const GgufFile>(none.file())).kind, TokenizerKind::kNone);
  EXPECT_EQ(
      fault(GgufBytes().text("tokenizer.ggml.model", "rwkv")),
      "[test.gguf: key 'tokenizer.ggml.model'] \"rwkv\" is not available; known are llama, gpt2, bert, t5");
  EXPECT_EQ(fault(GgufBytes().text("tokenizer.ggml.model", "llama")),
            "[test.gguf: key 'tokenizer.ggml.tokens'] expected from 1 to 16777216 tokens, came 0");
  const auto with = [](const char* model, const std::vector<std::string>& tokens) {
    GgufBytes bytes;
    bytes.text("tokenizer.ggml.model", model).texts("tokenizer.ggml.tokens", tokens);
    return bytes;
  };
  EXPECT_EQ(fault(with("llama", {"a"})),
            "[test.gguf: key 'tokenizer.ggml.scores'] expected a score for each of 1 tokens, came 0");
  EXPECT_EQ(fault(with("gpt2", {"a"})
                      .array("tokenizer.ggml.token_type", GgufKind::kI32, 2, bytes_of<std::int32_t>({1, 1}))),
            "[test.gguf: key 'tokenizer.ggml.token_type'] expected one type for each of 1 tokens, came 2");
  EXPECT_EQ(
      fault(with("gpt2", {"a"}).text("tokenizer.ggml.pre", "gpt-2").u32("tokenizer.ggml.bos_token_id", 1)),
      "[test.gguf: key 'tokenizer.ggml.bos_token_id'] expected one of 1 tokens, came 1");
  EXPECT_EQ(fault(with("gpt2", {"\xff"}).text("tokenizer.ggml.pre", "gpt-2")),
            "[test.gguf: key 'tokenizer.ggml.tokens'] expected UTF-8, came \"\\xFF\"");
  const std::string unknown = fault(with("gpt2", {"a"}).text("tokenizer.ggml.pre", "abacus"));
  EXPECT_TRUE(
      unknown.starts_with("[test.gguf: key 'tokenizer.ggml.pre'] \"abacus\" is not available; known are "
                          "default, gpt-2, "))
      << unknown;
  EXPECT_EQ(fault(with("gpt2", {"a", "a"}).text("tokenizer.ggml.pre", "gpt-2")),
            "[test.gguf: key 'tokenizer.ggml.tokens'] expected every token once, token 1 is \"a\" again");
  EXPECT_TRUE(fault(with("gpt2", {"a", "b"})
                        .text("tokenizer.ggml.pre", "gpt-2")
                        .texts("tokenizer.ggml.merges", {"a b"}))
                  .starts_with("[test.gguf: tokenizer: model.merges[0]"));
}

// The .inp and .out files of llama.cpp: texts that end with a line of their own, and their ids line by line,
// without special tokens.
class LlamaCpp : public ::testing::TestWithParam<const char*> {};

TEST_P(LlamaCpp, AnswersAreEqual) {
  const char* folder = std::getenv("SWIFTLET_DATA_DIR");
  if (folder == nullptr) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set: no tokenizers/golden";
  const fs::path path = fs::path(folder) / "tokenizers/golden" / (std::string(GetParam()) + ".gguf");
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const Tokenizer tokenizer = load_tokenizer(path);
  std::ifstream in(path.string() + ".inp", std::ios::binary), out(path.string() + ".out");
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  const std::string mark = "\n__ggml_vocab_test__\n";
  int compared = 0;
  std::size_t at = 0;
  for (std::string line; std::getline(out, line); ++compared) {
    const std::size_t end = std::min(all.find(mark, at), all.size());
    const std::string text = all.substr(at, end - at);
    at = std::min(end + mark.size(), all.size());
    std::istringstream numbers(line);
    const Ids want{std::istream_iterator<std::int32_t>(numbers), {}};
    EXPECT_EQ(tokenizer.encode(text, {.add_special = false}).ids, want) << shown(text);
  }
  EXPECT_GE(compared, 40);
}

INSTANTIATE_TEST_SUITE_P(All, LlamaCpp, ::testing::Values("llama-spm", "gpt-2", "bert-bge"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace swiftlet::text
