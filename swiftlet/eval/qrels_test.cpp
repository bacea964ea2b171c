#include "swiftlet/eval/qrels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

using testing::HasSubstr;

TEST(Qrels, ReadsTrec) {
  const TestFolder folder;
  const Qrels qrels = read_trec_qrels(folder.put("q", "1 0 184 1\r\n1 0  29 -1\r\n\r\n2\tQ0\td7\t3"));
  EXPECT_EQ(qrels, (Qrels{{"1", {{"184", 1}, {"29", -1}}}, {"2", {{"d7", 3}}}}));
}

TEST(Qrels, ReadsBeirWithAndWithoutHeader) {
  const TestFolder folder;
  const Qrels expected = {{"q 1", {{"d1", 2}}}, {"q2", {{"d1", 0}}}};
  EXPECT_EQ(read_beir_qrels(folder.put("a", "query-id\tcorpus-id\tscore\nq 1\td1\t2\nq2\td1\t0\n")),
            expected);
  EXPECT_EQ(read_beir_qrels(folder.put("b", "q 1\td1\t2\r\nq2\td1\t0\r\n")), expected);
}

TEST(Qrels, TakesRepetitionButNoContradiction) {
  const TestFolder folder;
  EXPECT_EQ(read_trec_qrels(folder.put("q", "1 0 a 1\n1 0 a 1\n")).at("1").size(), 1u);
  EXPECT_THAT(error_of([&] { read_trec_qrels(folder.put("q", "1 0 a 1\n1 0 a 2\n")); }),
              HasSubstr("q:2] document a of query 1 is judged both 1 and 2"));
}

TEST(Qrels, ErrorsNameFileAndLine) {
  const TestFolder folder;
  EXPECT_THAT(error_of([&] { read_trec_qrels(folder.put("q", "1 0 a 1\n1 0 a\n")); }),
              HasSubstr("q:2] expected 4 fields"));
  EXPECT_THAT(error_of([&] { read_trec_qrels(folder.put("q", "1 0 a yes\n")); }),
              HasSubstr("q:1] expected an integer"));
  EXPECT_THAT(error_of([&] { read_trec_qrels(folder.put("q", "1 0 a 99999999999\n")); }),
              HasSubstr("integer"));
  EXPECT_THAT(error_of([&] { read_trec_qrels(folder.put("q", "\n\n")); }), HasSubstr("holds no judgement"));
  EXPECT_THAT(error_of([&] { read_beir_qrels(folder.put("q", "q d 1\n")); }),
              HasSubstr("3 fields with tabs"));
  EXPECT_THAT(error_of([&] { read_beir_qrels(folder.put("q", "q\td\t1\nq\td2\thigh\n")); }),
              HasSubstr("q:2] expected an integer"));
  EXPECT_THAT(error_of([&] { read_beir_qrels(folder.put("q", "query-id\tcorpus-id\tscore\n")); }),
              HasSubstr("no judgement"));
}

}  // namespace
}  // namespace swiftlet
