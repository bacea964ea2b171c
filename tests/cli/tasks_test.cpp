// classify, rerank, tag, answer, fill: texts in, results out, and what is wrong with either.
#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string model(const std::string& name) {
  return "tests/data/tasks/" + name;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

void expect_failure(const Result& result, const std::string& part, int status = 1) {
  EXPECT_EQ(result.status, status) << result.out << result.err;
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
  EXPECT_THAT(result.err, HasSubstr(part));
  EXPECT_EQ(result.out, "");
}

TEST(Classify, EveryFormOfInputGivesTheSame) {
  const Scratch scratch;
  const std::string sentiment = model("sentiment");
  const std::string text = scratch.write("a.txt", "a bird\nthe \"lakes\", far\n");
  const std::string csv = scratch.write("a.csv", "id,text\r\n1,a bird\r\n2,\"the \"\"lakes\"\", far\"\r\n");
  const std::string tsv = scratch.write("a.tsv", "body\ta\na bird\t1\nthe \"lakes\", far\t2\n");
  const std::string jsonl = scratch.write("a.jsonl", "{\"text\":\"a bird\"}\n\n\"the \\\"lakes\\\", far\"\n");
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"classify", sentiment, "--format", "jsonl"});
    const Result result = swiftlet(more);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  };
  const std::string want = run({"a bird", "the \"lakes\", far"});
  EXPECT_EQ(lines_of(want).size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(lines_of(want)[0])["labels"].size(), 1u);
  EXPECT_EQ(run({"--input", text}), want);
  EXPECT_EQ(run({"--input", csv}), want);
  EXPECT_EQ(run({"--input", jsonl}), want);
  EXPECT_EQ(
      swiftlet({"classify", sentiment, "--format", "jsonl"}, {.input = "a bird\nthe \"lakes\", far\n"}).out,
      want);
  // Without quoting a quote is a letter; in .tsv files too there may be quoted cells.
  EXPECT_EQ(swiftlet({"classify", sentiment, "--input", tsv, "--column", "body", "--format", "jsonl"}).out,
            want);
}

TEST(Classify, WritesTablesAndFiles) {
  const Scratch scratch;
  const std::string out = scratch.path("labels.csv");
  const Result result = swiftlet({"classify", model("sentiment"), "-k", "0", "a, \"b\"", "--output", out});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const auto lines = lines_of(read(out));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "text,text_pair,label,score");
  EXPECT_THAT(lines[1], StartsWith("\"a, \"\"b\"\"\",,"));
  const auto json = json_of(swiftlet({"classify", model("sentiment"), "-k", "2", "a", "b", "--json"}));
  EXPECT_EQ(json["texts"], 2);
  EXPECT_EQ(json["results"][1]["labels"].size(), 2u);
  expect_failure(swiftlet({"classify", model("sentiment"), "a", "--json", "--output", out}), "--json", 2);
  expect_failure(
      swiftlet({"classify", model("sentiment"), "a", "--output", model("sentiment") + "/config.json"}),
      "would replace", 2);
}

TEST(Classify, PairsAndChoices) {
  const Scratch scratch;
  const auto labels = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"classify", model("sentiment"), "--json"});
    return json_of(swiftlet(more))["results"][0]["labels"];
  };
  const std::string pairs = scratch.write("p.csv", "text,text_pair,other\nswift,a bird,far\n");
  EXPECT_NE(labels({"swift"}), labels({"swift", "--pair", "a bird"}));
  EXPECT_EQ(labels({"--input", pairs}), labels({"swift", "--pair", "a bird"}));
  EXPECT_EQ(labels({"--input", pairs, "--pair-column", "other"}), labels({"swift", "--pair", "far"}));
  const auto json = json_of(swiftlet({"classify", model("choices"), "the swift", "--choice", "is a bird",
                                      "--choice", "far", "-k", "0", "--json"}));
  const auto& choices = json["results"][0]["labels"];
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_NEAR(choices[0]["score"].get<double>() + choices[1]["score"].get<double>(), 1, 1e-9);
}

TEST(Classify, LongTextsAreCutAndToldOf) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "swift ";
  const Result result = swiftlet({"classify", model("sentiment"), text, "short"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("1 of 2 texts are longer than the model takes"));
}

TEST(Rerank, SortsDocuments) {
  const Scratch scratch;
  const std::string file = scratch.write("d.txt", "a bird\n\nthe lakes\nfar away\n");
  const auto json =
      json_of(swiftlet({"rerank", model("reranker"), "--query", "swift", "--input", file, "--json"}));
  ASSERT_EQ(json["results"].size(), 3u);
  std::vector<int> numbers;
  for (const auto& result : json["results"]) numbers.push_back(result["document"]);
  EXPECT_THAT(numbers, ::testing::UnorderedElementsAre(1, 3, 4));
  EXPECT_GE(json["results"][0]["score"], json["results"][1]["score"]);
  const Result two = swiftlet({"rerank", model("reranker"), "--query", "swift", "-k", "2", "a", "b", "c"});
  EXPECT_EQ(lines_of(two.out).size(), 2u);
  expect_failure(
      swiftlet({"rerank", model("reranker"), "--query", "x", "--input", scratch.write("e", "\n \n")}),
      "a document was expected, none came");
  expect_failure(swiftlet({"rerank", model("sentiment"), "--query", "x", "y"}), "gives 3 labels");
}

TEST(Tag, PlacesAreCharactersAndBytes) {
  const auto json =
      json_of(swiftlet({"tag", model("entities"), "déjà vu", "--json", "--aggregation", "none"}));
  const auto& entities = json["results"][0]["entities"];
  ASSERT_FALSE(entities.empty());
  const auto& last = entities.back();
  EXPECT_EQ(last["end"], 7);
  EXPECT_EQ(last["end_byte"], 9);
  const Result csv = swiftlet({"tag", model("entities"), "a bird", "the lakes", "--format", "csv"});
  EXPECT_EQ(lines_of(csv.out)[0], "row,label,score,text,begin,end,begin_byte,end_byte");
}

TEST(Answer, QuestionsFromFilesAndArguments) {
  const Scratch scratch;
  const std::string context = scratch.write("c.txt", "The swift sleeps in the air.\n");
  const auto one = json_of(swiftlet({"answer", model("spans"), "--question", "Where?", "--context", context,
                                     "-k", "3", "--no-answer", "--json"}));
  ASSERT_EQ(one["results"][0]["answers"].size(), 3u);
  const std::string file =
      scratch.write("q.jsonl", "{\"q\":\"Where?\",\"c\":\"The swift sleeps in the air.\\n\"}\n");
  const auto many = json_of(swiftlet({"answer", model("spans"), "--input", file, "--question-column", "q",
                                      "--context-column", "c", "-k", "3", "--no-answer", "--json"}));
  EXPECT_EQ(one["results"], many["results"]);
  expect_failure(swiftlet({"answer", model("spans"), "--question", "Where?"}), "go together", 2);
  expect_failure(swiftlet({"answer", model("spans")}), "none came", 2);
  expect_failure(swiftlet({"answer", model("spans"), "--input", context}), "lines of text have no column", 2);
  expect_failure(
      swiftlet({"answer", model("spans"), "--question", "x", "--context", scratch.write("e", " \n")}),
      "a text was expected, none came");
}

TEST(Fill, EveryMaskByItself) {
  const auto json =
      json_of(swiftlet({"fill", model("masked"), "the [MASK] and a [MASK]", "-k", "2", "--json"}));
  const auto& masks = json["results"][0]["masks"];
  ASSERT_EQ(masks.size(), 2u);
  EXPECT_EQ(masks[0].size(), 2u);
  EXPECT_THAT(masks[0][0]["text"].get<std::string>(), HasSubstr("and a [MASK]"));
  const auto target = json_of(swiftlet(
      {"fill", model("masked"), "the [MASK]", "--target", "bird", "--json"}))["results"][0]["masks"][0];
  ASSERT_EQ(target.size(), 1u);
  EXPECT_EQ(target[0]["text"], "the bird");
  expect_failure(swiftlet({"fill", model("masked"), "no mask"}), "text 1 has no [MASK]");
  std::string text = "[MASK]";
  for (int i = 0; i < 60; ++i) text += " bird";
  expect_failure(swiftlet({"fill", model("masked"), text}), "tokens, at most 48 are possible");
}

TEST(Tasks, AnotherHeadIsToldInOneLine) {
  expect_failure(swiftlet({"classify", model("entities"), "a"}),
                 "has a head for token classification (BertForTokenClassification); classify needs one for "
                 "sequence classification");
  expect_failure(swiftlet({"fill", "assets/stories-7m", "a"}), "is a decoder without a head");
  expect_failure(swiftlet({"tag", "tests/data/models/bert-gelu", "a"}), "is a plain encoder without a head");
  EXPECT_THAT(swiftlet({"inspect", model("entities")}).out, HasSubstr("token classification"));
  EXPECT_EQ(json_of(swiftlet({"inspect", model("topics"), "--json"}))["labels"].size(), 4u);
  for (const char* name : {"masked", "spans", "topics"})
    EXPECT_EQ(swiftlet({"inspect", model(name), "--graph"}).status, 0);
}

TEST(Tasks, BadInputIsNamed) {
  const Scratch scratch;
  const auto failure = [&](const std::string& name, const std::string& content, const std::string& part,
                           std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"tag", model("entities"), "--input", scratch.write(name, content)});
    const Result result = swiftlet(more);
    expect_failure(result, part);
    EXPECT_THAT(result.err, HasSubstr(name));
  };
  failure("empty.txt", "", "a text was expected, none came");
  failure("empty.csv", "", "a header was expected, the file is empty");
  failure("header.csv", "text,b\n", "a text was expected, none came");
  failure("column.csv", "a,b\nx,y\n", "has no column 'text'; there are a, b");
  failure("named.csv", "text,b\nx,y\n", "has no column 'body'; there are text, b", {"--column", "body"});
  failure("short.csv", "text,b\nx\n", "has 1 cells, the header has 2");
  failure("quote.csv", "text\n\"x\n", "the quote is never closed");
  failure("bad.jsonl", "{\"text\": }\n", "a JSON object or string was expected");
  failure("key.jsonl", "{\"body\": \"x\"}\n", "has no 'text'");
  failure("type.jsonl", "{\"text\": 3}\n", "'text' is no text");
  failure("bytes.jsonl", "{\"text\": \"\xff\"}\n", "a JSON object or string was expected");
  failure("utf16.txt", "\xff\xfe\x41", "is UTF-16 text, expected UTF-8");
  expect_failure(swiftlet({"tag", model("entities"), "--input", "no/file"}), "[no/file]");
  expect_failure(swiftlet({"tag", model("entities"), "a", "--input", "x"}), "both came", 2);
  // Malformed UTF-8 in plain text is read, as everywhere; the results are valid.
  const Result result = swiftlet(
      {"tag", model("entities"), "--input", scratch.write("latin", "caf\xe9 bird\n"), "--format", "jsonl"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(nlohmann::json::accept(lines_of(result.out)[0]));
}

}  // namespace
}  // namespace swiftlet::cli_test
