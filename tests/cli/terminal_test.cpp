// Progress bars on terminals only; interrupts.
#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kLongEval{"eval",      "assets/stories260K/stories260K.bin",
                                         "--task",    "perplexity",
                                         "--data",    "assets/text/corpus.txt",
                                         "--context", "64"};

std::vector<std::string> with(std::vector<std::string> words, std::initializer_list<const char*> more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::vector<std::string> kEval = with(kLongEval, {"--limit", "30"});

TEST(Terminal, ProgressIsDrawnAndTakenAway) {
  const Result result = swiftlet(kEval, {.terminal_error = true});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("%"));
  EXPECT_THAT(result.err, HasSubstr("\r\x1b[K"));
  EXPECT_THAT(result.out, HasSubstr("perplexity"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
}

TEST(Terminal, NoProgressInPipesNorWithQuietOrJson) {
  EXPECT_THAT(swiftlet(kEval).err, Not(HasSubstr("\x1b")));
  EXPECT_EQ(swiftlet(with(kEval, {"--quiet"}), {.terminal_error = true}).err, "");
  EXPECT_EQ(swiftlet(with(kEval, {"--json"}), {.terminal_error = true}).err, "");
  const Start dumb{.terminal_error = true, .environment = {"TERM=dumb"}};
  EXPECT_THAT(swiftlet(kEval, dumb).err, Not(HasSubstr("\x1b")));
}

const std::vector<std::string> kLong{"run",         "assets/stories260K/stories260K.bin", "Once", "-n", "400",
                                     "--ignore-eos"};

TEST(Terminal, AnInterruptEndsARunCleanly) {
  const Result result = swiftlet(kLong, {.interrupts = 1});
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(error_lines(result.err), 0u) << result.err;
  EXPECT_THAT(result.err, HasSubstr("(cancelled)"));
  ASSERT_FALSE(result.out.empty());
  EXPECT_EQ(result.out.back(), '\n');
}

TEST(Terminal, AnInterruptEndsAnEvaluationWithoutAResult) {
  const Result result = swiftlet(kLongEval, {.terminal_error = true, .interrupts = 1});
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("swiftlet: interrupted"));
}

TEST(Terminal, ASecondInterruptEndsAtOnce) {
  EXPECT_EQ(swiftlet(kLong, {.interrupts = 2}).status, 130);
}

}  // namespace
}  // namespace swiftlet::cli_test
