#include "swiftlet/eval/cranfield.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

using testing::HasSubstr;

class Cranfield : public testing::Test {
 protected:
  Cranfield() {
    folder_.put("cran.all.1400.xml",
                "<doc>\n<docno>1</docno>\n<title>a wing\nin a slipstream .</title>\n"
                "<text>a wing\nin a slipstream .\n  it lifts &amp; drags, a &lt; b .</text>\n</doc>\n"
                "<DOC>\n<DOCNO> 2 </DOCNO>\n<TITLE>another</TITLE>\n<TEXT></TEXT>\n</DOC>");
    folder_.put("cran.qry.xml",
                "<?xml version='1.0'?>\r\n<xml>\r\n<top>\r\n<num> "
                "1</num>\r\n<title>\r\nfirst\r\n</title>\r\n</top>\r\n"
                "<top>\r\n<num> 4</num>\r\n<title>\r\nsecond\r\n</title>\r\n</top>\r\n</xml>");
    folder_.put("cranqrel.trec.txt", "2 0 1 1\r\n");
  }
  std::string message() {
    return error_of([&] { read_cranfield(folder_.path()); });
  }
  TestFolder folder_;
};

TEST_F(Cranfield, ReadsAndNumbersQueriesByTheirOrder) {
  const RetrievalCollection collection = read_retrieval_collection(folder_.path());
  ASSERT_EQ(collection.documents.size(), 2u);
  EXPECT_EQ(collection.documents[0].title, "a wing\nin a slipstream .");
  EXPECT_EQ(collection.documents[0].text, "it lifts & drags, a < b .");
  EXPECT_EQ(collection.documents[1].id, "2");
  EXPECT_EQ(collection.documents[1].full_text(), "another");
  ASSERT_EQ(collection.queries.size(), 1u);
  EXPECT_EQ(collection.queries[0].id, "2");  // <num> says 4
  EXPECT_EQ(collection.queries[0].text, "second");
}

TEST_F(Cranfield, ErrorsNameFileAndLine) {
  folder_.put("cranqrel.trec.txt", "3 0 1 1\n");
  EXPECT_THAT(message(), HasSubstr("judges 1 queries, of which 0 are among the 2 of cran.qry.xml"));
  folder_.put("cran.all.1400.xml", "<doc>\n<docno>1</docno><title></title>\n");
  EXPECT_THAT(message(), HasSubstr("cran.all.1400.xml:1] <doc> is not closed"));
  folder_.put("cran.all.1400.xml", "\n<doc>\n<doc></doc>");
  EXPECT_THAT(message(), HasSubstr(":2] <doc> is not closed before the next one"));
  folder_.put("cran.all.1400.xml", "\n\n<doc><docno>1</docno><title>x</title></doc>");
  EXPECT_THAT(message(), HasSubstr(":3] the record has no <text>"));
  folder_.put("cran.all.1400.xml", "<doc><docno>1</docno><title>x<text></text></doc>");
  EXPECT_THAT(message(), HasSubstr(":1] <title> is not closed"));
  const std::string one = "<doc><docno>1</docno><title>x</title><text>y</text></doc>\n";
  folder_.put("cran.all.1400.xml", one + one);
  EXPECT_THAT(message(), HasSubstr(":2] document 1 comes twice"));
  folder_.put("cran.all.1400.xml", "nothing");
  EXPECT_THAT(message(), HasSubstr("holds no <doc>"));
}

TEST_F(Cranfield, ReadsTheWholeCollection) {
  const char* data = std::getenv("SWIFTLET_DATA_DIR");
  if (data == nullptr) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set";
  const auto collection = read_cranfield(std::filesystem::path(data) / "datasets/cranfield");
  EXPECT_EQ(collection.documents.size(), 1400u);
  EXPECT_EQ(collection.queries.size(), 225u);
  std::size_t judged = 0;
  for (const auto& [query, judgements] : collection.qrels) judged += judgements.size();
  EXPECT_EQ(judged, 1837u);
  // Query 3 asks for heat conduction in composite slabs; document 399, judged relevant to it, is about just
  // that.
  EXPECT_THAT(collection.queries[2].text, HasSubstr("heat conduction in composite slabs"));
  EXPECT_EQ(collection.qrels.at("3").at("399"), 1);
  EXPECT_EQ(collection.documents[398].title, "conduction of heat in composite slabs .");
}

}  // namespace
}  // namespace swiftlet
