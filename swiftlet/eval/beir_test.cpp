#include "swiftlet/eval/beir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

using testing::HasSubstr;

constexpr const char* kCorpus =
    "{\"_id\": \"d1\", \"title\": \"Swifts\", \"text\": \"They fly.\", \"metadata\": {}}\n"
    "{\"_id\": 2, \"text\": \"Caf\\u00e9\"}\r\n\n"
    "{\"_id\": \"d3\", \"title\": \"Only a title\", \"text\": \"\"}";
constexpr const char* kQueries =
    "{\"_id\": \"q1\", \"text\": \"fast\"}\n{\"_id\": \"q2\", \"text\": \"slow\"}\n";
constexpr const char* kQrels = "query-id\tcorpus-id\tscore\nq2\td1\t1\nq2\tgone\t2\n";

class Beir : public testing::Test {
 protected:
  Beir() {
    folder_.put("corpus.jsonl", kCorpus);
    folder_.put("queries.jsonl", kQueries);
    folder_.put("qrels/test.tsv", kQrels);
  }
  std::string message() {
    return error_of([&] { read_beir(folder_.path()); });
  }
  TestFolder folder_;
};

TEST_F(Beir, ReadsDocumentsAndTheJudgedQueries) {
  EXPECT_TRUE(is_beir_folder(folder_.path()));
  const RetrievalCollection collection = read_retrieval_collection(folder_.path());
  ASSERT_EQ(collection.documents.size(), 3u);
  EXPECT_EQ(collection.documents[0].full_text(), "Swifts They fly.");
  EXPECT_EQ(collection.documents[1].id, "2");
  EXPECT_EQ(collection.documents[1].full_text(), "Caf\xc3\xa9");
  EXPECT_EQ(collection.documents[2].full_text(), "Only a title");
  ASSERT_EQ(collection.queries.size(), 1u);
  EXPECT_EQ(collection.queries[0].text, "slow");
  EXPECT_EQ(collection.qrels.at("q2"), (Judgements{{"d1", 1}, {"gone", 2}}));
}

TEST_F(Beir, MissingFilesAreNamed) {
  EXPECT_THAT(error_of([&] { read_beir(folder_.path(), "dev"); }),
              HasSubstr("dev.tsv] does not exist; splits here: test"));
  std::filesystem::remove(folder_.path() / "queries.jsonl");
  EXPECT_THAT(message(), HasSubstr("queries.jsonl] cannot be opened"));
  std::filesystem::remove(folder_.path() / "corpus.jsonl");
  EXPECT_THAT(error_of([&] { read_retrieval_collection(folder_.path()); }),
              HasSubstr("expected a folder with corpus.jsonl"));
}

TEST_F(Beir, ErrorsNameFileAndLine) {
  folder_.put("corpus.jsonl", "{\"_id\": \"a\", \"text\": \"\"}\n{\"_id\": \"b\", \"te");
  EXPECT_THAT(message(), HasSubstr("corpus.jsonl:2] expected one JSON object a line, got '{\"_id\""));
  folder_.put("corpus.jsonl", "[1]\n");
  EXPECT_THAT(message(), HasSubstr("corpus.jsonl:1] expected one JSON object"));
  folder_.put("corpus.jsonl", "{\"_id\": \"a\"}\n");
  EXPECT_THAT(message(), HasSubstr("corpus.jsonl:1] expected a string \"text\""));
  folder_.put("corpus.jsonl", "{\"text\": \"\"}\n");
  EXPECT_THAT(message(), HasSubstr("expected a string \"_id\""));
  folder_.put("corpus.jsonl", "{\"_id\": \"a\", \"text\": \"\"}\n{\"_id\": \"a\", \"text\": \"\"}\n");
  EXPECT_THAT(message(), HasSubstr("corpus.jsonl:2] \"_id\" a comes twice"));
  folder_.put("corpus.jsonl", "{\"_id\": \"a\", \"text\": \"\xff\"}\n");
  EXPECT_THAT(message(), HasSubstr("corpus.jsonl:1] expected one JSON object"));
  folder_.put("corpus.jsonl", "");
  EXPECT_THAT(message(), HasSubstr("corpus.jsonl] is empty"));
  folder_.put("corpus.jsonl", kCorpus);
  folder_.put("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"fast\"}\n");
  EXPECT_THAT(message(), HasSubstr("test.tsv] judges 1 queries, of which queries.jsonl holds 0"));
}

TEST_F(Beir, DeepNestingIsNoCrash) {
  folder_.put("corpus.jsonl", std::string(1 << 20, '['));
  EXPECT_THAT(message(), HasSubstr("expected one JSON object"));
}

}  // namespace
}  // namespace swiftlet
