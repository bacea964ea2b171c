// Encoders: embed, search and eval; MiniLM where it is at hand.
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;

#define NEEDS_MINILM \
  if (minilm().empty()) GTEST_SKIP() << "MiniLM is neither in models/minilm nor named by SWIFTLET_MINILM"

const char* const kTiny = "tests/data/models/bert-gelu";

TEST(Embed, ADecoderIsRefusedInOneLine) {
  const Result result = swiftlet({"embed", "assets/stories-7m", "text"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST(Run, AnEncoderIsRefusedInOneLine) {
  const Result result = swiftlet({"run", kTiny, "text"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
}

// The tiny BERT as a sentence encoder of 64 tokens; `change` works on its tokenizer.json.
template <class Change>
std::string sentence_encoder(const Scratch& scratch, bool do_lower_case, Change change) {
  namespace fs = std::filesystem;
  const fs::path source = fs::path(SWIFTLET_SOURCE_DIR) / kTiny;
  const fs::path folder = scratch.path(do_lower_case ? "lower" : "plain");
  fs::create_directories(folder / "1_Pooling");
  for (const char* name : {"config.json", "model.safetensors"}) fs::copy_file(source / name, folder / name);
  auto tokenizer = nlohmann::json::parse(read((source / "tokenizer.json").string()));
  change(tokenizer);
  const auto put = [&](const char* name, const nlohmann::json& json) {
    std::ofstream(folder / name) << json.dump();
  };
  put("tokenizer.json", tokenizer);
  put("1_Pooling/config.json", {{"word_embedding_dimension", 40}, {"pooling_mode_mean_tokens", true}});
  put("sentence_bert_config.json", {{"max_seq_length", 64}, {"do_lower_case", do_lower_case}});
  put("modules.json",
      {{{"idx", 0}, {"path", ""}, {"type", "sentence_transformers.models.Transformer"}},
       {{"idx", 1}, {"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}}});
  return folder.string();
}

TEST(Embed, LowersTheTextWhereTheModelAsks) {
  const Scratch scratch;
  const auto keep_case = [](nlohmann::json& tokenizer) { tokenizer["normalizer"]["lowercase"] = false; };
  const auto vector_of = [](const std::string& model, const char* text) {
    return json_of(swiftlet({"embed", model, text, "--json"}))["embeddings"][0];
  };
  const std::string plain = sentence_encoder(scratch, false, keep_case);
  const std::string lower = sentence_encoder(scratch, true, keep_case);
  EXPECT_NE(vector_of(plain, "The Swift"), vector_of(plain, "the swift"));
  EXPECT_EQ(vector_of(lower, "The Swift"), vector_of(plain, "the swift"));
}

// A template may repeat the text after it was cut to the model's length.
TEST(Embed, ATemplateThatRepeatsTheTextIsRefused) {
  const Scratch scratch;
  const std::string model = sentence_encoder(scratch, false, [](nlohmann::json& tokenizer) {
    auto& single = tokenizer["post_processor"]["single"];
    for (int i = 0; i < 20; ++i) single.push_back(single[1]);
  });
  std::string text;
  for (int i = 0; i < 60; ++i) text += "the swift ";
  const Result result = swiftlet({"embed", model, text});
  EXPECT_EQ(result.status, 1) << result.out;
  EXPECT_THAT(result.err, HasSubstr("tokens, at most 64 are possible"));
}

const auto kUnchanged = [](nlohmann::json&) {};

TEST(Embed, WarnsOfTextsThatAreCut) {
  const Scratch scratch;
  const std::string model = sentence_encoder(scratch, false, kUnchanged);
  std::string words = "a";
  for (int i = 0; i < 61; ++i) words += " a";  // with [CLS] and [SEP] as many as the model takes
  EXPECT_EQ(swiftlet({"embed", model, words, "-q"}).err, "");
  const Result cut = swiftlet({"embed", model, words + " a", "short", "-q"});
  EXPECT_EQ(cut.status, 0);
  EXPECT_THAT(cut.err, HasSubstr("warning: 1 of 2 texts are longer than the model takes"));
  const auto first = [](const Result& result) {
    return nlohmann::json::parse(result.out.substr(0, result.out.find('\n')))["embedding"];
  };
  EXPECT_EQ(first(cut), first(swiftlet({"embed", model, words, "-q"})));
}

// The model has no Normalize module.
TEST(Search, ScoresAreCosines) {
  const Scratch scratch;
  const std::string model = sentence_encoder(scratch, false, kUnchanged);
  const std::string corpus = scratch.write("corpus.txt", "the king\na small bird\nover the sea\n");
  const auto found = json_of(swiftlet({"search", model, "--corpus", corpus, "a small bird", "--json"}));
  const auto& hits = found["queries"][0]["hits"];
  EXPECT_EQ(hits[0]["passage"], "a small bird");
  EXPECT_NEAR(hits[0]["score"].get<double>(), 1, 1e-6);
  for (const auto& hit : hits) EXPECT_LE(std::abs(hit["score"].get<double>()), 1 + 1e-6);
}

TEST(Embed, PrintsALineForEachText) {
  NEEDS_MINILM;
  const Result result = swiftlet({"embed", minilm(), "a fast bird", "[a, small] swift"});
  std::istringstream lines(result.out);
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["text"], "a fast bird");
  EXPECT_EQ(rows[1]["text"], "[a, small] swift");
  double norm = 0;
  for (const double value : rows[1]["embedding"]) norm += value * value;
  EXPECT_EQ(rows[1]["embedding"].size(), 384u);
  EXPECT_NEAR(norm, 1, 1e-5);
}

TEST(Embed, FilesAndInputsAgree) {
  NEEDS_MINILM;
  const Scratch scratch;
  const std::string texts = scratch.write("texts.txt", "\xef\xbb\xbfone bird\r\n\r\ntwo birds");
  const Result lines = swiftlet({"embed", minilm(), "--input", texts, "--quiet"});
  EXPECT_EQ(lines.out, swiftlet({"embed", minilm(), "one bird", "", "two birds"}).out);
  EXPECT_EQ(lines.out, swiftlet({"embed", minilm()}, {.input = "one bird\n\ntwo birds\n"}).out);
  EXPECT_EQ(swiftlet({"embed", minilm(), "--input", texts, "--output", scratch.path("x.jsonl")}).out, "");
  EXPECT_EQ(read(scratch.path("x.jsonl")), lines.out);
  EXPECT_EQ(swiftlet({"embed", minilm(), "--input", texts, "-o", scratch.path("x.npy")}).status, 0);
  const std::string npy = read(scratch.path("x.npy"));
  ASSERT_EQ(npy.size(), 128 + 3 * 384 * sizeof(float));
  float first = 0;
  std::memcpy(&first, npy.data() + 128, sizeof first);
  EXPECT_EQ(first,
            nlohmann::json::parse(lines.out.substr(0, lines.out.find('\n')))["embedding"][0].get<float>());
}

TEST(Embed, JsonHoldsTheRowsOrNamesTheFile) {
  NEEDS_MINILM;
  const Scratch scratch;
  const auto rows = json_of(swiftlet({"embed", minilm(), "a", "b", "--json"}));
  EXPECT_EQ(rows["rows"], 2);
  EXPECT_EQ(rows["embeddings"][1].size(), 384u);
  EXPECT_GT(rows["sentences_per_second"].get<double>(), 0);
  const auto file = json_of(swiftlet({"embed", minilm(), "a", "-o", scratch.path("x.npy"), "--json"}));
  EXPECT_FALSE(file.contains("embeddings"));
  EXPECT_EQ(file["output"], scratch.path("x.npy"));
}

TEST(Search, FindsTheMeaning) {
  NEEDS_MINILM;
  const Scratch scratch;
  const std::string corpus = scratch.write("corpus.txt",
                                           "The stock market fell sharply today.\n\n"
                                           "A kitten is asleep on the sofa.\n"
                                           "He repaired the engine of the old car.\n");
  const auto found = json_of(swiftlet({"search", minilm(), "--corpus", corpus, "a sleeping cat", "--json"}));
  ASSERT_EQ(found["queries"][0]["hits"].size(), 3u);
  const auto& best = found["queries"][0]["hits"][0];
  EXPECT_EQ(best["rank"], 1);
  EXPECT_EQ(best["line"], 3);
  EXPECT_EQ(best["passage"], "A kitten is asleep on the sofa.");
  EXPECT_EQ(found["passages"], 3);

  const Result text = swiftlet({"search", minilm(), "--corpus", corpus, "--top", "1"},
                               {.input = "a sleeping cat\n\nfinance news\n"});
  EXPECT_THAT(text.out, HasSubstr("a sleeping cat\n1  0."));
  EXPECT_THAT(text.out, HasSubstr("A kitten is asleep on the sofa.\n\nfinance news\n1  0."));
  EXPECT_THAT(text.out, HasSubstr("The stock market"));
}

TEST(Search, AnEmptyCorpusIsAnError) {
  const Scratch scratch;
  const Result result = swiftlet({"search", kTiny, "--corpus", scratch.write("empty.txt", "\n \n"), "x"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("one passage a line was expected"));
}

TEST(Slow, StsbEqualsTheReference) {
  NEEDS_MINILM;
  const auto reference =
      nlohmann::json::parse(read(SWIFTLET_SOURCE_DIR "/tests/data/minilm/reference.json"))["stsb_dev"];
  const auto got = json_of(swiftlet(
      {"eval", minilm(), "--task", "stsb", "--data", "assets/stsb/dev.csv", "--precision", "f32", "--json"}));
  EXPECT_NEAR(got["spearman"].get<double>(), reference["spearman"].get<double>(), 5e-5);
  EXPECT_NEAR(got["pearson"].get<double>(), reference["pearson"].get<double>(), 5e-5);
  EXPECT_EQ(got["items"], 3000);  // sentences
}

TEST(Bench, MeasuresAnEncoder) {
  NEEDS_MINILM;
  const auto got = json_of(
      swiftlet({"bench", minilm(), "--input", "tests/data/minilm/sentences.txt", "--repeat", "1", "--json"}));
  EXPECT_EQ(got["kind"], "encoder");
  for (const char* key :
       {"sentences_per_second", "tokens_per_second", "latency_seconds_p50", "forward_seconds_p50"})
    EXPECT_GT(got[key].get<double>(), 0) << key;
}

}  // namespace
}  // namespace swiftlet::cli_test
