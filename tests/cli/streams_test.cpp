// Results on standard output, all else on standard error; full disks, closed pipes.
#include <fcntl.h>

#include <cstdio>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kRun{"run", "assets/stories260K/stories260K.bin", "Once upon a time", "-n",
                                    "8"};

std::vector<std::string> with(std::vector<std::string> words, std::initializer_list<const char*> more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Streams, StatisticsGoToStandardErrorAndQuietEndsThem) {
  const Result loud = swiftlet(kRun), quiet = swiftlet(with(kRun, {"--quiet"}));
  EXPECT_EQ(loud.status, 0) << loud.err;
  EXPECT_THAT(loud.err, HasSubstr("tokens/s"));
  EXPECT_THAT(loud.out, Not(HasSubstr("tokens/s")));
  EXPECT_EQ(quiet.err, "");
  EXPECT_EQ(quiet.out, loud.out);
}

TEST(Streams, AFullDiskIsAnError) {
  for (const auto& words : {kRun, std::vector<std::string>{"--help"}, {"completion", "bash"}}) {
    const Result result = swiftlet(words, {.output_path = "/dev/full"});
    EXPECT_EQ(result.status, 1) << words[0];
    EXPECT_EQ(error_lines(result.err), 1u) << result.err;
    EXPECT_THAT(result.err, HasSubstr("[standard output]"));
  }
}

// Through a shell, which can close what we cannot.
Result shell(const std::string& script) {
  Result result;
  const std::string command = "cd " SWIFTLET_SOURCE_DIR "; S=" SWIFTLET_PROGRAM "; " + script;
  FILE* pipe = ::popen(("bash -c '" + command + "' 2>&1").c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), pipe))
    result.out.append(piece.data(), n);
  result.status = WEXITSTATUS(::pclose(pipe));
  return result;
}

TEST(Streams, AReaderThatGoesAwayEndsItQuietly) {
  const Result result = shell(
      "$S run assets/stories260K/stories260K.bin \"Once\" -n 200 -q --ignore-eos | head -c 4 > /dev/null; "
      "exit ${PIPESTATUS[0]}");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "");
}

TEST(Streams, AClosedOutputIsAnError) {
  const Result result = shell("$S version >&-");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("[standard output]"));
}

TEST(Streams, AClosedErrorStreamDoesNotSpoilTheResult) {
  const Result result = shell("$S run assets/stories260K/stories260K.bin \"Once upon a time\" -n 8 2>&-");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, swiftlet(kRun).out);
}

TEST(Streams, AFullErrorStreamDoesNotChangeTheStatus) {
  EXPECT_EQ(shell("$S run assets/stories260K/stories260K.bin \"Once upon a time\" -n 8 2>/dev/full").out,
            swiftlet(kRun).out);
  EXPECT_EQ(shell("$S run no/model text 2>/dev/full").status, 1);
  EXPECT_EQ(shell("$S bogus 2>/dev/full").status, 2);
}

TEST(Streams, JsonStandsAlone) {
  const Result result = swiftlet(with(kRun, {"--json"}));
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1);
  json_of(result);
}

}  // namespace
}  // namespace swiftlet::cli_test
