// The tasks of heads, by the public interface, against the pipelines of transformers in float32.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/swiftlet.h"

namespace swiftlet {
namespace {

using Json = nlohmann::json;
constexpr double kNear = 2e-5;  // of probabilities

std::string folder(const std::string& name) {
  return std::string(SWIFTLET_SOURCE_DIR) + "/tests/data/tasks/" + name;
}

Model load(const std::string& name) {
  return Model::load(folder(name), {.precision = "f32", .threads = 2});
}

Json golden(const std::string& name) {
  std::ifstream file(folder(name) + "/golden.json");
  return Json::parse(file)["results"];
}

class Labels : public testing::TestWithParam<const char*> {};

TEST_P(Labels, ProbabilitiesEqualThePipeline) {
  Model model = load(GetParam());
  const Json results = golden(GetParam());
  std::vector<TextPair> texts;
  for (const Json& item : results) {
    texts.push_back({item["input"]["text"].get<std::string>()});
    if (item["input"].contains("text_pair"))
      texts.back().pair = item["input"]["text_pair"].get<std::string>();
  }
  ASSERT_GE(texts.size(), 8u);
  const auto got = model.classify(texts, {.top_k = 0});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Json& want = results[i]["labels"];
    ASSERT_EQ(got[i].labels.size(), want.size());
    for (std::size_t j = 0; j < want.size(); ++j) {
      EXPECT_EQ(got[i].labels[j].label, want[j]["label"]) << texts[i].text;
      EXPECT_NEAR(got[i].labels[j].score, want[j]["score"].get<double>(), kNear) << texts[i].text;
    }
    EXPECT_FALSE(got[i].cut);
    EXPECT_EQ(model.classify({texts[i]})[0].labels[0].label, want[0]["label"]) << "alone";
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, Labels, testing::Values("sentiment", "topics", "rating"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Tasks, ATextThatIsTooLongIsCut) {
  Model model = load("sentiment");
  std::string text;
  for (int i = 0; i < 100; ++i) text += "swift ";
  const auto results = model.classify({{text}, {"swift"}, {"swift", text}});
  EXPECT_TRUE(results[0].cut);
  EXPECT_FALSE(results[1].cut);
  EXPECT_TRUE(results[2].cut);
}

TEST(Tasks, FunctionsOfLogits) {
  Model model = load("sentiment");
  const auto scores = [&](const char* function) {
    return model.classify({{"a bird"}}, {.top_k = 0, .function = function})[0].labels;
  };
  const auto logits = scores("none"), odds = scores("sigmoid"), shares = scores("softmax");
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(odds[i].score, 1 / (1 + std::exp(-logits[i].score)), 1e-9);
    EXPECT_NEAR(shares[i].score / shares[0].score, std::exp(logits[i].score - logits[0].score), 1e-9);
    sum += shares[i].score;
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_THROW(scores("cosine"), Error);
}

TEST(Tasks, RanksEqualTheCrossEncoder) {
  Model model = load("reranker");
  const Json want = golden("reranker")[0];
  const auto documents = want["documents"].get<std::vector<std::string>>();
  const auto got = model.rerank(want["query"], documents);
  ASSERT_EQ(got.size(), want["ranks"].size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].document, want["ranks"][i]["document"]);
    EXPECT_NEAR(got[i].score, want["ranks"][i]["score"].get<double>(), kNear);
  }
  const auto two = model.rerank(want["query"], documents, {.top_k = 2, .function = "none"});
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].document, got[1].document);
  EXPECT_NEAR(1 / (1 + std::exp(-two[0].score)), got[0].score, 1e-9);
}

TEST(Tasks, ChoicesEqualTransformers) {
  Model model = load("choices");
  const Json results = golden("choices");
  std::vector<ChoiceQuestion> questions;
  for (const Json& item : results)
    questions.push_back({item["text"], item["choices"].get<std::vector<std::string>>()});
  const auto got = model.choose(questions);
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].scores.size(), results[i]["scores"].size());
    for (std::size_t j = 0; j < got[i].scores.size(); ++j)
      EXPECT_NEAR(got[i].scores[j], results[i]["scores"][j].get<double>(), kNear);
  }
  EXPECT_THROW(model.choose({{"text", {}}}), Error);
}

class Entities : public testing::TestWithParam<const char*> {};

TEST_P(Entities, EqualThePipeline) {
  Model model = load(GetParam());
  for (const Json& item : golden(GetParam())) {
    const auto text = item["text"].get<std::string>(), aggregation = item["aggregation"].get<std::string>();
    SCOPED_TRACE(aggregation + ": " + text);
    const auto got = model.tag({text}, {.aggregation = aggregation})[0];
    const Json& want = item["entities"];
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].label, want[i]["label"]);
      EXPECT_NEAR(got[i].score, want[i]["score"].get<double>(), kNear);
      EXPECT_EQ(got[i].range.begin_character, want[i]["begin"]);
      EXPECT_EQ(got[i].range.end_character, want[i]["end"]);
      EXPECT_EQ(got[i].text, text.substr(got[i].range.begin, got[i].range.end - got[i].range.begin));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, Entities, testing::Values("entities", "entities-bytes"),
                         [](const auto& test) { return testing::PrintToString(test.index); });

// Far from the ends of a window the rest of the text matters little to a model of one layer, but not nothing:
// what must hold exactly is that every token is tagged once, in order.
TEST(Tasks, ALongTextIsTaggedToItsEnd) {
  Model model = load("entities");
  std::string text;
  for (int i = 0; i < 60; ++i) text += "The swift is a small bird. ";
  const auto tokens = model.tag({text}, {.aggregation = "none", .ignore = {}})[0];
  EXPECT_EQ(tokens.size(), model.tokenize(text, false).size());
  for (std::size_t i = 1; i < tokens.size(); ++i)
    EXPECT_GE(tokens[i].range.begin, tokens[i - 1].range.end) << i;
  EXPECT_EQ(tokens.back().range.end, text.size() - 1);
  EXPECT_EQ(model.tag({text, ""}, {.overlap = 0})[1].size(), 0u);
}

TEST(Tasks, AnswersEqualTheirDefinition) {
  Model model = load("spans");
  const Json want = golden("spans")[0];
  for (const Json& item : want["questions"]) {
    const Question question{item["question"], item["context"]};
    SCOPED_TRACE(question.question);
    const auto got = model.answer({question}, {.top_k = item["top_k"],
                                               .max_answer_tokens = want["max_answer_tokens"],
                                               .window = want["window"],
                                               .overlap = want["overlap"],
                                               .can_be_impossible = item["can_be_impossible"]})[0];
    const Json& answers = item["answers"];
    ASSERT_EQ(got.size(), answers.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].text, answers[i]["text"]);
      EXPECT_NEAR(got[i].score, answers[i]["score"].get<double>(), kNear);
      EXPECT_EQ(got[i].range.begin_character, answers[i]["begin"]);
      EXPECT_EQ(got[i].range.end_character, answers[i]["end"]);
    }
  }
}

TEST(Tasks, AnswersThatCannotBe) {
  Model model = load("spans");
  EXPECT_TRUE(model.answer({{"Who?", ""}})[0].empty());
  std::string question;
  for (int i = 0; i < 60; ++i) question += "who ";
  EXPECT_THROW(model.answer({{question, "a bird"}}), Error);
  EXPECT_THROW(model.answer({{"Who?", "a bird"}}, {.top_k = 0}), Error);
  EXPECT_THROW(model.answer({{"Who?", "a bird"}}, {.max_answer_tokens = 0}), Error);
}

class Masks : public testing::TestWithParam<const char*> {};

TEST_P(Masks, WordsEqualThePipeline) {
  Model model = load(GetParam());
  const Json want = golden(GetParam())[0];
  for (const Json& item : want["texts"]) {
    SCOPED_TRACE(item["text"]);
    const auto got = model.fill({item["text"].get<std::string>()}, {.top_k = 4})[0];
    ASSERT_EQ(got.size(), item["masks"].size());
    for (std::size_t mask = 0; mask < got.size(); ++mask) {
      ASSERT_EQ(got[mask].size(), 4u);
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(got[mask][i].token, item["masks"][mask][i]["token"]);
        EXPECT_EQ(got[mask][i].word, item["masks"][mask][i]["word"]);
        EXPECT_NEAR(got[mask][i].score, item["masks"][mask][i]["score"].get<double>(), kNear);
      }
    }
  }
  const auto got =
      model.fill({want["texts"][0]["text"].get<std::string>()}, {.targets = {"swift", "bird"}})[0][0];
  ASSERT_EQ(got.size(), want["targets"].size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].token, want["targets"][i]["token"]);
    EXPECT_NEAR(got[i].score, want["targets"][i]["score"].get<double>(), kNear);
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, Masks, testing::Values("masked", "masked-bytes"),
                         [](const auto& test) { return testing::PrintToString(test.index); });

TEST(Tasks, FilledTexts) {
  Model model = load("masked");
  const auto fill = [&](const char* text, const char* word) {
    return model.fill({text}, {.targets = {word}})[0][0][0].text;
  };
  EXPECT_EQ(fill("The [MASK] flies.", "swift"), "The swift flies.");
  EXPECT_EQ(fill("The bird [MASK] flies.", "##s"), "The birds flies.");
  EXPECT_THROW(fill("no mask", "swift"), Error);
  std::string text = "[MASK]";
  for (int i = 0; i < 60; ++i) text += " bird";
  EXPECT_THROW(fill(text.c_str(), "swift"), Error);
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tasks, AnotherHeadIsAnErrorThatTellsBoth) {
  Model entities = load("entities"), sentiment = load("sentiment");
  EXPECT_EQ(error_of([&] { entities.classify({{"a"}}); }),
            "[" + folder("entities") +
                "] has a head for token classification (BertForTokenClassification); classify needs one for "
                "sequence classification");
  EXPECT_EQ(error_of([&] { sentiment.rerank("a", {"b"}); }),
            "[" + folder("sentiment") +
                "] gives 3 labels (BertForSequenceClassification); rerank needs a model with one, the score");
  Model decoder = Model::load(std::string(SWIFTLET_SOURCE_DIR) + "/tests/data/models/llama-tied");
  EXPECT_NE(error_of([&] { decoder.fill({"a"}); })
                .find("is a decoder without a head; fill needs one for "
                      "masked LM"),
            std::string::npos);
  EXPECT_EQ(decoder.head().task, "");
  EXPECT_EQ(entities.head().task, "token classification");
  EXPECT_EQ(entities.head().labels[1], "B-PER");
}

}  // namespace
}  // namespace swiftlet
