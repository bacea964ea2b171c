// Help and wrong use: no model is needed.
#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class EachCommand : public ::testing::TestWithParam<const char*> {};

TEST_P(EachCommand, HasHelpWithExamples) {
  const Result result = swiftlet({GetParam(), "--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr(std::string("Usage: swiftlet ") + GetParam()));
  EXPECT_THAT(result.out, HasSubstr("Examples:\n"));
  EXPECT_EQ(swiftlet({"help", GetParam()}).out, result.out);
  EXPECT_THAT(swiftlet({"--help"}).out, HasSubstr(std::string("\n  ") + GetParam() + " "));
}

TEST_P(EachCommand, RefusesAnUnknownOption) {
  const Result result = swiftlet({GetParam(), "--no-such-option"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
  EXPECT_THAT(result.err, HasSubstr("unknown option --no-such-option"));
}

INSTANTIATE_TEST_SUITE_P(Cli, EachCommand,
                         ::testing::Values("run", "embed", "search", "tokenize", "eval", "bench", "compress",
                                           "convert", "inspect", "completion", "help", "version"),
                         [](const auto& parameter) { return std::string(parameter.param); });

struct Wrong {
  std::vector<std::string> arguments;
  const char* message;
};

// The name of the test, as ctest lists it.
void PrintTo(const Wrong& wrong, std::ostream* out) {
  for (const auto& argument : wrong.arguments) *out << argument << ' ';
}

class WrongUse : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongUse, IsOneLineAndStatus2) {
  const Result result = swiftlet(GetParam().arguments);
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
  EXPECT_THAT(result.err, HasSubstr(GetParam().message));
}

const char* const kModel = "assets/stories-7m";

INSTANTIATE_TEST_SUITE_P(
    Cli, WrongUse,
    ::testing::Values(
        Wrong{{"runn"}, "did you mean `swiftlet run`?"}, Wrong{{"xyz"}, "there are run, chat, embed"},
        Wrong{{"serve", kModel}, "there are run, chat, embed"}, Wrong{{"train"}, "does not exist yet"},
        Wrong{{"--json", "run"}, "a command was expected before the options"},
        Wrong{{"run"}, "MODEL is required"}, Wrong{{"run", kModel, "a", "b"}, "unexpected argument b"},
        Wrong{{"run", kModel, "x", "--tempreture", "1"}, "did you mean --temperature?"},
        Wrong{{"run", kModel, "x", "--max-token=3"}, "did you mean --max-tokens?"},
        Wrong{{"run", kModel, "x", "--temperature", "nan"}, "must be at least 0"},
        Wrong{{"run", kModel, "x", "--temperature", "-1"}, "must be at least 0"},
        Wrong{{"run", kModel, "x", "--top-p", "1.5"}, "at most 1, not 1.5"},
        Wrong{{"run", kModel, "x", "--max-tokens", "0"}, "must be at least 1"},
        Wrong{{"run", kModel, "x", "--max-tokens", "many"}, "a number was expected, not many"},
        Wrong{{"run", kModel, "x", "--seed", "-1"}, "must be at least 0 and at most 18446744073709551615"},
        Wrong{{"run", kModel, "x", "--top-k", "2147483648"}, "at most 2147483647, not 2147483648"},
        Wrong{{"run", kModel, "x", "--top-k", "1.5"}, "a whole number was expected, not 1.5"},
        Wrong{{"run", kModel, "x", "--top-p", "0"}, "--top-p must be more than 0"},
        Wrong{{"run", kModel, "x", "--stop", ""}, "--stop must not be empty"},
        Wrong{{"run", kModel, "x", "--seed", "010"}, "a number was expected, not 010"},
        Wrong{{"run", kModel, "x", "--threads", "-1"}, "at least 0"},
        Wrong{{"run", kModel, "x", "--logit-bias", "12"}, "must be like 1234=-2.5, not 12"},
        Wrong{{"run", kModel, "x", "--samples", "2"}, "--samples needs --temperature"},
        Wrong{{"run", kModel, "x", "--temperature", "1", "--mirostat", "2", "--top-k", "3"},
              "mirostat takes the place of top-k"},
        Wrong{{"run", kModel, "x", "--top-k"}, "--top-k: a value was expected, none came"},
        Wrong{{"run", kModel, "x", "--device", "gpu"}, "must be one of cpu, cuda, not gpu"},
        Wrong{{"run", kModel, "x", "--precision", "f64"}, "must be one of f32, bf16, int8"},
        Wrong{{"run", kModel, "x", "--cache", "int4"}, "must be one of f32, bf16, int8"},
        Wrong{{"embed", kModel, "x", "--output", "x.csv"}, "must end in .npy or .jsonl"},
        Wrong{{"embed", kModel, "x", "--input", "y"}, "both came"},
        Wrong{{"search", kModel, "query"}, "--corpus is required"},
        Wrong{{"tokenize", kModel, "--keep-special"}, "goes with --decode"},
        Wrong{{"eval", kModel, "--task", "stsb"}, "--data is required"},
        Wrong{{"eval", kModel, "--task", "glue", "--data", "x"}, "must be one of stsb"},
        Wrong{{"eval", kModel, "--task", "kl", "--data", "x"}, "needs --reference"},
        Wrong{{"eval", kModel, "--task", "perplexity", "--data", "x", "--context", "8", "--stride", "9"},
              "at most --context"},
        Wrong{{"eval", kModel, "--task", "stsb", "--data", "x", "--context", "8"},
              "go with perplexity and kl"},
        Wrong{{"bench", kModel, "--input", "x", "--batch", "2"}, "--input is for encoders"},
        Wrong{{"compress", kModel}, "--output is required"},
        Wrong{{"compress", kModel, "-o", "x.bin"}, "must end in .swiftlet"},
        Wrong{{"bench", kModel, "--depth", "8", "--batch", "2"}, "--depth goes with --batch 1"},
        Wrong{{"bench", kModel, "--generate", "1"}, "must be at least 2"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--weights", "int5"}, "must be one of f32"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--budget", "1%"}, "--budget needs --metric"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--force"}, "--force goes with --budget"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--budget", "1%", "--metric", "kl", "--data", "x"},
              "and 1% of it means nothing"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--budget", "1x"}, "must be like 0.5% or 0.3"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--metric", "kl"}, "needs --data"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--method", "gptq"},
              "method gptq looks at sample texts (--calibration)"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--method", "best"},
              "'best' is not known; known are rtn, clip, gptq"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--calibration", "x"},
              "it goes with another method (--method)"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--target", "latency=2x"}, "does not exist yet"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--budget", "", "--metric", "kl", "--data", "x"},
              "must not be empty"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--report", "x.swiftlet"},
              "--report x.swiftlet would replace a part of x.swiftlet"},
        Wrong{{"compress", kModel, "-o", "x.swiftlet", "--report", "assets/stories-7m/config.json"},
              "would replace a part of"},
        Wrong{
            {"bench", "assets/stories260K/stories260K.bin", "--trace", "assets/stories260K/stories260K.bin"},
            "would replace a part of"},
        Wrong{{"bench", kModel, "--input", "x"}, "--input is for encoders"},
        Wrong{{"inspect", kModel, "--verify"}, "--verify is for native files"},
        Wrong{{"inspect"}, "MODEL or --machine"},
        Wrong{{"inspect", "--machine", kModel}, "--machine takes no MODEL"},
        Wrong{{"inspect", "--machine", "--graph"}, "exclude one another"},
        Wrong{{"inspect", "--machine", "--tensors"}, "--tensors goes with MODEL alone"},
        Wrong{{"inspect", kModel, "--lowered"}, "go with --graph"},
        Wrong{{"help", "nothing"}, "must be one of run, chat, embed"},
        Wrong{{"help", "run", "--man"}, "both came"},
        Wrong{{"completion", "tcsh"}, "must be one of bash, zsh, fish"}));

TEST(Usage, WithoutArgumentsTheHelpGoesToStandardError) {
  const Result result = swiftlet({});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, swiftlet({"--help"}).out);
}

TEST(Usage, VersionIsTold) {
  EXPECT_THAT(swiftlet({"--version"}).out, StartsWith("swiftlet "));
  EXPECT_EQ("swiftlet " + json_of(swiftlet({"version", "--json"}))["version"].get<std::string>() + "\n",
            swiftlet({"version"}).out);
}

TEST(Usage, HelpNamesTheExitStatuses) {
  const std::string help = swiftlet({"--help"}).out;
  for (const char* word : {"0 done", "1 failed", "2 wrong use", "3 the accuracy budget", "130 interrupted"})
    EXPECT_THAT(help, HasSubstr(word));
}

TEST(Usage, HelpAloneIsTheListOfCommands) {
  EXPECT_EQ(swiftlet({"help"}).out, swiftlet({"--help"}).out);
}

TEST(Usage, MachineIsShown) {
  const auto machine = json_of(swiftlet({"inspect", "--machine", "--no-measure", "--json"}));
  EXPECT_GE(machine["threads"].get<int>(), 1);
  EXPECT_GT(machine["total_memory_bytes"].get<double>(), 1e6);
  EXPECT_THAT(machine["available_isas"].get<std::vector<std::string>>(),
              ::testing::Contains(machine["isa"].get<std::string>()));
  EXPECT_FALSE(machine.contains("int8_gops"));
  EXPECT_EQ(
      json_of(swiftlet({"inspect", "--machine", "--no-measure", "--json", "--threads", "3"}))["threads"], 3);
  const Result text = swiftlet({"inspect", "--machine", "--no-measure"});
  EXPECT_THAT(text.out, HasSubstr("threads"));
  EXPECT_THAT(text.out, Not(HasSubstr("int8 peak")));
}

TEST(Usage, AForcedInstructionSetIsObeyedOrRefused) {
  const Start scalar{.environment = {"SWIFTLET_ISA=scalar"}};
  EXPECT_EQ(json_of(swiftlet({"inspect", "--machine", "--no-measure", "--json"}, scalar))["isa"], "scalar");
  const Result wrong =
      swiftlet({"inspect", "--machine", "--no-measure"}, {.environment = {"SWIFTLET_ISA=mmx"}});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ(error_lines(wrong.err), 1u) << wrong.err;
  EXPECT_THAT(wrong.err, HasSubstr("mmx"));
}

}  // namespace
}  // namespace swiftlet::cli_test
