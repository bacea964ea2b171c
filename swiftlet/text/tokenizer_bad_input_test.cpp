// Broken and hostile tokenizer files: one clear error that names file and place, never a crash.
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

#include "swiftlet/core/file.h"
#include "swiftlet/text/text_testing.h"

namespace swiftlet::text {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_for(const std::string& json) {
  return error_of([&] { Tokenizer::from_json(json, "t.json"); });
}
std::string error_for_model(const std::string& members) {
  return error_for("{\"model\":{" + members + "}}");
}
std::string error_for_part(const std::string& part) {
  return error_for(R"({"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]},)" + part + "}");
}

TEST(BadTokenizer, NotJson) {
  EXPECT_THAT(error_for(""), StartsWith("[t.json] expected JSON, came something else"));
  EXPECT_THAT(error_for("hello"), StartsWith("[t.json] expected JSON"));
  EXPECT_THAT(error_for(R"({"model": {"vocab": })"),
              AllOf(StartsWith("[t.json] expected JSON"), HasSubstr("near byte")));
  EXPECT_THAT(error_for("{\"a\":\"\xFF\"}"), StartsWith("[t.json] expected JSON"));
  EXPECT_THAT(error_for(R"({"a":"\ud800"})"), StartsWith("[t.json] expected JSON"));
  EXPECT_EQ(error_for("[1]"), "[t.json] expected an object, came an array");
  EXPECT_EQ(error_for("{}"), "[t.json] expected a member \"model\", there is none");
}

TEST(BadTokenizer, DeepNesting) {
  EXPECT_EQ(error_for(std::string(100000, '[') + std::string(100000, ']')),
            "[t.json] expected JSON at most 128 levels deep, came deeper");
  std::string nested = R"({"type":"NFC"})";
  for (int i = 0; i < 30; ++i) nested = R"({"type":"Sequence","normalizers":[)" + nested + "]}";
  const std::string rest = R"(,"model":{"type":"BPE","vocab":{},"merges":[]}})";
  EXPECT_NO_THROW(Tokenizer::from_json("{\"normalizer\":" + nested + rest, "t.json"));
}

TEST(BadTokenizer, Vocabulary) {
  const auto vocab = [](const std::string& text) {
    return error_for_model(R"("type":"BPE","merges":[],"vocab":)" + text);
  };
  EXPECT_EQ(vocab("[]"), "[t.json: model.vocab] expected an object, came an array");
  EXPECT_EQ(vocab(R"({"a":"0"})"), "[t.json: model.vocab.a] expected an integer, came a string");
  EXPECT_EQ(vocab(R"({"a":1.5})"),
            "[t.json: model.vocab.a] expected an integer from 0 to 65539, came \"1.5\"");
  EXPECT_EQ(vocab(R"({"a":-1})"), "[t.json: model.vocab.a] expected an integer from 0 to 65539, came -1");
  EXPECT_EQ(vocab(R"({"a":2147483648})"),
            "[t.json: model.vocab.a] expected an integer from 0 to 65539, came 2147483648");
  EXPECT_THAT(vocab(R"({"a":99999999999999999999})"), StartsWith("[t.json"));
  EXPECT_EQ(vocab(R"({"a":0,"b c":0})"),
            "[t.json: model.vocab[\"b c\"]] expected an id of its own, came 0, which is \"a\"");
  EXPECT_EQ(vocab(R"({"a":0,"a":1})"),
            "[t.json: model.vocab.a] expected every token once, this one comes twice");
}

TEST(BadTokenizer, Merges) {
  const auto merges = [](const std::string& text) {
    return error_for_model(R"("type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":)" + text);
  };
  EXPECT_EQ(merges("{}"), "[t.json: model.merges] expected an array, came an object");
  EXPECT_EQ(merges(R"(["a b","a"])"),
            "[t.json: model.merges[1]] expected two tokens with one space between, came \"a\"");
  EXPECT_EQ(merges(R"(["a b","a x"])"),
            "[t.json: model.merges[1]] names the token \"x\", which the vocabulary lacks");
  EXPECT_EQ(merges(R"(["b a"])"),
            "[t.json: model.merges[0]] names the token \"ba\", which the vocabulary lacks");
  EXPECT_EQ(merges(R"([["a","b","c"]])"),
            "[t.json: model.merges[0]] expected two tokens, came \"[\"a\",\"b\",\"c\"]\"");
  EXPECT_EQ(merges(R"([["a",1]])"), "[t.json: model.merges[0][1]] expected a string, came a number");
  EXPECT_EQ(merges("[7]"), "[t.json: model.merges[0]] expected two tokens, came \"7\"");
}

TEST(BadTokenizer, Models) {
  EXPECT_EQ(error_for_model(R"("type":"Markov","vocab":[])"),
            "[t.json: model] the model \"Markov\" is not available");
  EXPECT_EQ(error_for_model(R"("unk_id":2,"vocab":[["a",0]])"),
            "[t.json: model.unk_id] expected the place of a token among 1, came 2");
  EXPECT_EQ(error_for_model(R"("type":"Unigram","vocab":[["a",0],["b"]])"),
            "[t.json: model.vocab[1]] expected [\"token\", score], came \"[\"b\"]\"");
  EXPECT_EQ(error_for_model(R"("type":"Unigram","vocab":[["a","b"]])"),
            "[t.json: model.vocab[0]] expected [\"token\", score], came \"[\"a\",\"b\"]\"");
  EXPECT_EQ(error_for_model(R"("type":5,"vocab":[])"),
            "[t.json: model.type] expected a string, came a number");
  EXPECT_EQ(error_for_model(R"("type":"BPE","vocab":{},"merges":[],"unk_token":"?")"),
            "[t.json: model.unk_token] names a token that the vocabulary lacks: \"?\"");
  EXPECT_EQ(error_for_model(R"("type":"BPE","vocab":{},"merges":[],"dropout":0.1)"),
            "[t.json: model.dropout] random dropout of merges is not available (expected null or 0)");
  EXPECT_EQ(error_for_model(R"("type":"BPE","vocab":{},"merges":[],"byte_fallback":"yes")"),
            "[t.json: model.byte_fallback] expected a boolean, came a string");
  EXPECT_EQ(error_for_model(R"("type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1)")
                .substr(0, 58),
            "[t.json: model.max_input_chars_per_word] expected an integ");
}

TEST(BadTokenizer, TablesOfReplacements) {
  const auto table = [](const std::string& base64) {
    return error_for_part(R"("normalizer":{"type":"Precompiled","precompiled_charsmap":")" + base64 + "\"}");
  };
  const std::string where = "[t.json: normalizer.precompiled_charsmap] ";
  EXPECT_EQ(table("AA=A"), where + "expected base64, came \"AA=A\"");
  EXPECT_EQ(table("AAAA"), where + "expected a table of at least 4 bytes, came 3");
  EXPECT_EQ(table("CAAAAA=="),
            where + "expected a trie of at most 0 bytes in whole units of 4, came one of 8");
  EXPECT_EQ(table("AQAAAAA="),
            where + "expected a trie of at most 1 bytes in whole units of 4, came one of 1");
  EXPECT_EQ(table("AAAAAP8="), where + "expected replacements in UTF-8");
}

TEST(BadTokenizer, AddedTokens) {
  const auto added = [](const std::string& items) {
    return error_for_part("\"added_tokens\":[" + items + "]");
  };
  EXPECT_EQ(added(R"({"id":0})"), "[t.json: added_tokens[0]] expected a member \"content\", there is none");
  EXPECT_EQ(added(R"({"id":1,"content":"a"})"),
            "[t.json: added_tokens[0].id] expected 0, the id of \"a\" in the vocabulary, came 1");
  EXPECT_EQ(
      added(R"({"id":1,"content":"x"})"),
      "[t.json: added_tokens[0].id] expected an id of its own, came 1, which is \"b\" in the vocabulary");
  EXPECT_EQ(added(R"({"id":5,"content":"x"},{"id":5,"content":"y"})"),
            "[t.json: added_tokens[1].id] expected an id of its own, came 5, which is \"x\"");
  EXPECT_EQ(added(R"({"id":5,"content":"x"},{"id":6,"content":"x"})"),
            "[t.json: added_tokens[1].content] \"x\" is added twice, as 5 and 6");
  EXPECT_THAT(added(R"({"id":2147483647,"content":"x"})"),
              StartsWith("[t.json: added_tokens[0].id] expected an integer from 0 to"));
  EXPECT_EQ(added(R"({"id":7,"content":"x","special":1})"),
            "[t.json: added_tokens[0].special] expected a boolean, came a number");
}

TEST(BadTokenizer, PostProcessors) {
  const auto post = [](const std::string& text) { return error_for_part("\"post_processor\":" + text); };
  EXPECT_EQ(post(R"({"type":"Nothing"})"),
            "[t.json: post_processor] the post-processor \"Nothing\" is not available");
  EXPECT_EQ(post(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}]})"),
            "[t.json: post_processor.single[0].SpecialToken] names the special token \"x\", which "
            "special_tokens lacks");
  EXPECT_EQ(post(R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"C"}}]})"),
            "[t.json: post_processor.single[0].Sequence] expected the text A or B, came \"C\"");
  EXPECT_EQ(
      post(
          R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}],"special_tokens":{"x":{"ids":[77]}}})"),
      "[t.json: post_processor.special_tokens.x.ids[0]] expected the id of a token, came 77");
  EXPECT_EQ(post(R"({"type":"BertProcessing","cls":["a",0],"sep":["b"]})"),
            "[t.json: post_processor.sep] expected a token and its id");
}

TEST(BadTokenizer, Patterns) {
  EXPECT_THAT(
      error_for_part(R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"["}})"),
      StartsWith("[t.json: pre_tokenizer.pattern.Regex] expected a regular expression, came \"[\""));
  EXPECT_EQ(
      error_for_part(R"("pre_tokenizer":{"type":"Split","behavior":"Maybe","pattern":{"String":"a"}})"),
      "[t.json: pre_tokenizer.behavior] expected Removed, Isolated, MergedWithPrevious, MergedWithNext or "
      "Contiguous, came \"Maybe\"");
  EXPECT_EQ(error_for_part(R"("normalizer":{"type":"Replace","content":"","pattern":{}})"),
            "[t.json: normalizer.pattern] expected a member \"String\" or \"Regex\", there is neither");
  EXPECT_EQ(error_for_part(R"("decoder":{"type":"Strip","content":"ab","start":0,"stop":0})"),
            "[t.json: decoder.content] expected one character, came \"ab\"");
  EXPECT_EQ(error_for_part(R"("pre_tokenizer":{"type":"Metaspace","prepend_scheme":"last"})"),
            "[t.json: pre_tokenizer.prepend_scheme] expected always, first or never, came \"last\"");
}

// A file of a few hundred bytes that would make terabytes of one letter.
TEST(BadTokenizer, ReplacementsThatMultiply) {
  std::string parts;
  for (int i = 0; i < 60; ++i)
    parts += std::string(i ? "," : "") + R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  const std::string model = R"("model":{"type":"BPE","vocab":{"a":0},"merges":[]}})";
  const Tokenizer normalizes = Tokenizer::from_json(
      R"({"normalizer":{"type":"Sequence","normalizers":[)" + parts + "]}," + model, "t.json");
  EXPECT_EQ(error_of([&] { normalizes.encode("a"); }),
            "[tokenizer] the normalizer or pre-tokenizer makes more than 65600 bytes of the text");
  EXPECT_THAT(
      error_for(R"({"decoder":{"type":"Sequence","decoders":[)" + parts + "]}," + model),
      StartsWith("[t.json: decoder] expected replacements that keep texts short, these make 1.15292e+18"));
}

class BadFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return (folder_ / name).string();
  }
  static std::string load_error(const std::filesystem::path& path) {
    return error_of([&] { load_tokenizer(path); });
  }
  const std::filesystem::path folder_ = own_folder("bad_tokenizer");
};

TEST_F(BadFiles, NothingThere) {
  EXPECT_THAT(load_error(folder_ / "gone.json"), StartsWith("[" + (folder_ / "gone.json").string()));
  EXPECT_EQ(load_error(folder_),
            "[" + folder_.string() +
                ": no tokenizer.json, vocab.txt, vocab.json with merges.txt, tokenizer.model, "
                "spiece.model or tokenizer.bin] there is no tokenizer");
}

TEST_F(BadFiles, VocabTxt) {
  const std::string path = write("vocab.txt", "[UNK]\n[CLS]\na\n");
  EXPECT_EQ(load_error(path),
            "[" + path + "] expected the special token \"[SEP]\" among 3 tokens, it is not there");
  write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\na\n");
  EXPECT_EQ(load_error(path), "[" + path + ": line 5] expected every token once, \"a\" comes twice");
  write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n\xFF\n");
  EXPECT_EQ(load_error(path), "[" + path + ": line 4] expected UTF-8, came \"\\xFF\"");
  write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n");
  const std::string config = write("tokenizer_config.json", R"({"do_lower_case":"yes"})");
  EXPECT_EQ(load_error(folder_), "[" + config + ": do_lower_case] expected a boolean, came a string");
}

std::string piece(float score, std::int32_t length, std::string_view token) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &score, 4);
  std::memcpy(out.data() + 4, &length, 4);
  return out + std::string(token);
}
std::string header(std::int32_t longest) {
  std::string out(4, '\0');
  std::memcpy(out.data(), &longest, 4);
  return out;
}

TEST_F(BadFiles, TokenizerBin) {
  const std::string good =
      header(4) + piece(0, 1, "?") + piece(0, 1, "<") + piece(0, 1, ">") + piece(-1, 1, "a");
  const std::string path = write("tokenizer.bin", good);
  EXPECT_EQ(load_tokenizer(folder_).encode("a").ids,
            (std::vector<std::int32_t>{1, 0, 3}));  // no space: unknown
  const auto error = [&](const std::string& bytes) { return load_error(write("tokenizer.bin", bytes)); };
  const std::string where = "[" + path + "] ";
  EXPECT_EQ(error(""),
            where + "expected the longest token's length of 4 bytes at byte 0, the file ends at 0");
  EXPECT_EQ(error(header(-3)), where + "expected a longest token of 1 to 65536 bytes, came -3");
  EXPECT_EQ(error(header(4)), where + "expected at least 3 tokens, came 0");
  EXPECT_EQ(error(good + piece(0, 5, "abcde")), where + "expected token 4 to have at most 4 bytes, came 5");
  EXPECT_EQ(error(good + piece(0, -1, "")), where + "expected token 4 to have at most 4 bytes, came -1");
  EXPECT_EQ(error(good + piece(0, 4, "ab")),
            where + "expected a token of 4 bytes at byte 48, the file ends at 50");
  EXPECT_EQ(error(good + piece(0, 1, "\x80")), where + "expected token 4 in UTF-8, came \"\\x80\"");
  EXPECT_EQ(error(good + piece(NAN, 1, "b")), where + "expected a finite score of token 4, came nan");
  EXPECT_EQ(error(good + piece(0, 1, "a")), where + "expected every token once, token 4 is \"a\" again");
}

// Every truncation and a flip in every place of a real file: an Error or a tokenizer, nothing else.
TEST(BadTokenizer, DamagedFiles) {
  const std::string json = load_tokenizer(data_path("assets/stories260K/tok512.bin")).serialized();
  std::size_t loaded = 0, refused = 0;
  const auto try_json = [&](const std::string& text) {
    try {
      Tokenizer::from_json(text, "t.json").encode("Once upon a time\xFF");
      ++loaded;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StartsWith("[t"));
      ++refused;
    }
  };
  for (std::size_t size = 0; size < json.size(); size += 37) try_json(json.substr(0, size));
  for (std::size_t at = 0; at < json.size(); at += 11) {
    std::string damaged = json;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    try_json(damaged);
  }
  EXPECT_GT(loaded, 10u);
  EXPECT_GT(refused, 500u);
}

}  // namespace
}  // namespace swiftlet::text
