// The scripts know every option; bash is asked what it would offer.
#include <cstdio>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;

// The words that bash offers for the last of `words`.
std::string offered(const Scratch& scratch, const std::string& words) {
  const std::string script = scratch.write("completion.bash", swiftlet({"completion", "bash"}).out);
  const std::string ask = "source " + script + "; COMP_WORDS=(swiftlet " + words +
                          "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _swiftlet; echo \"${COMPREPLY[*]}\"";
  const std::string file = scratch.write("ask.bash", ask);
  FILE* pipe = ::popen(("cd " SWIFTLET_SOURCE_DIR "; bash " + file + " 2>&1").c_str(), "r");
  std::string answer;
  for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) answer += char(c);
  ::pclose(pipe);
  return answer;
}

TEST(Completion, BashOffersCommandsOptionsValuesAndFiles) {
  const Scratch scratch;
  EXPECT_EQ(offered(scratch, "tok"), "tokenize");
  EXPECT_EQ(offered(scratch, "run m --temp"), "--temperature");
  EXPECT_EQ(offered(scratch, "run m --device c"), "cpu cuda");
  EXPECT_EQ(offered(scratch, "eval m --task \"\""), "stsb retrieval perplexity kl");
  EXPECT_EQ(offered(scratch, "completion z"), "zsh");
  EXPECT_EQ(offered(scratch, "help com"), "compress completion");
  EXPECT_EQ(offered(scratch, "help --m"), "--man");
  EXPECT_EQ(offered(scratch, "run asset"), "assets");
  EXPECT_EQ(offered(scratch, "eval m --data LICEN"), "LICENSE");
  EXPECT_EQ(offered(scratch, "run m --seed \"\""), "");
}

TEST(Completion, EveryShellKnowsEveryOption) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = swiftlet({"completion", shell}).out;
    const std::string dashes = std::string(shell) == "fish" ? "-l " : "--";
    for (const char* option : {"max-tokens", "corpus", "jsonl", "stride", "repeat", "asymmetric", "lowered"})
      EXPECT_THAT(script, HasSubstr(dashes + option)) << shell;
    EXPECT_THAT(script, HasSubstr("int4")) << shell;
  }
}

}  // namespace
}  // namespace swiftlet::cli_test
