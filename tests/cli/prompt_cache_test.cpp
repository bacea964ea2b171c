// --prompt-cache of run and chat: the same answers, less work, and files that do not fit.
#include <sys/stat.h>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;

const std::string kPrompt =
    "Once upon a time there was a little fox who lived in the forest with his mother and his two small "
    "brothers, and "
    "every day when the sun came up";

class PromptCacheOption : public ::testing::Test {
 protected:
  nlohmann::json run(const std::string& prompt, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"run", "stories-7m", prompt, "-n", "20", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return json_of(swiftlet(words));
  }
  nlohmann::json cached(const std::string& prompt, std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--prompt-cache", file_});
    return run(prompt, more);
  }
  std::string error(const std::vector<std::string>& more, const std::string& model = "stories-7m") const {
    std::vector<std::string> words{"run", model, kPrompt, "-n", "2", "--prompt-cache", file_};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = swiftlet(words);
    EXPECT_EQ(result.status, 1) << result.out;
    EXPECT_EQ(error_lines(result.err), 1u);
    return result.err;
  }

  Scratch scratch_;
  std::string file_ = scratch_.path("prompt.state");
};

TEST_F(PromptCacheOption, AnswersAreTheSameTokenForToken) {
  for (const char* cache : {"f32", "bf16", "int8"}) {
    SCOPED_TRACE(cache);
    std::filesystem::remove(file_);
    const auto plain = run(kPrompt, {"--cache", cache});
    const auto first = cached(kPrompt, {"--cache", cache});
    EXPECT_EQ(first["reused_tokens"], 0);
    EXPECT_EQ(first["tokens"], plain["tokens"]);
    const auto again = cached(kPrompt, {"--cache", cache});
    EXPECT_EQ(again["reused_tokens"], plain["prompt_tokens"].get<int>() - 1);
    EXPECT_EQ(again["tokens"], plain["tokens"]);
    const std::string longer = kPrompt + " he went to the river to look for fish";
    const auto more = cached(longer, {"--cache", cache});
    EXPECT_GT(more["reused_tokens"], 20);
    EXPECT_LT(more["reused_tokens"], more["prompt_tokens"].get<int>() - 1);
    EXPECT_EQ(more["tokens"], run(longer, {"--cache", cache})["tokens"]);
    const auto shorter = cached(kPrompt.substr(0, 40), {"--cache", cache});
    EXPECT_GT(shorter["reused_tokens"], 3);
    EXPECT_EQ(shorter["tokens"], run(kPrompt.substr(0, 40), {"--cache", cache})["tokens"]);
  }
}

TEST_F(PromptCacheOption, SamplesAreTheSameToo) {
  cached(kPrompt);
  EXPECT_EQ(cached(kPrompt, {"--temperature", "0.9", "--seed", "5"})["tokens"],
            run(kPrompt, {"--temperature", "0.9", "--seed", "5"})["tokens"]);
}

TEST_F(PromptCacheOption, AllKeepsTheAnswerToo) {
  const auto first = cached(kPrompt, {"--prompt-cache-all"});
  const std::string whole = kPrompt + first["text"].get<std::string>();
  const auto more = cached(whole);
  EXPECT_GT(more["reused_tokens"], first["prompt_tokens"].get<int>() + 10);
  EXPECT_EQ(more["tokens"], run(whole)["tokens"]);
}

TEST_F(PromptCacheOption, ReadOnlyWritesNothing) {
  cached(kPrompt, {"--prompt-cache-ro"});
  EXPECT_FALSE(scratch_.has("prompt.state"));
  cached(kPrompt);
  const std::string before = read(file_);
  const auto other = cached("A king", {"--prompt-cache-ro"});
  EXPECT_EQ(other["tokens"], run("A king")["tokens"]);
  EXPECT_EQ(read(file_), before);
  cached("A king");
  EXPECT_NE(read(file_), before);
  EXPECT_EQ(scratch_.files(), 1u);
}

TEST_F(PromptCacheOption, FilesThatDoNotFitAreNamed) {
  cached(kPrompt);
  EXPECT_THAT(error({"--cache", "int8"}), HasSubstr("prompt.state: cache] was"));
  EXPECT_THAT(error({"--precision", "f32"}), HasSubstr("prompt.state: precision] was as stored"));
  EXPECT_THAT(error({}, "stories260K"), HasSubstr("prompt.state] is the prompt cache of another model"));
  std::string bytes = read(file_);
  bytes[bytes.size() - 5000] ^= 1;
  scratch_.write("prompt.state", bytes);
  EXPECT_THAT(error({}), HasSubstr("prompt.state] is damaged: its checksum is"));
  scratch_.write("prompt.state", bytes.substr(0, 20'000));
  EXPECT_THAT(error({}), HasSubstr("prompt.state"));
  scratch_.write("prompt.state", "a letter, not a state");
  EXPECT_THAT(error({}), HasSubstr("prompt.state"));
  EXPECT_THAT(swiftlet({"run", "stories-7m", "x", "--prompt-cache", "no/folder/x"}).err,
              HasSubstr("there is no folder no/folder"));
}

TEST_F(PromptCacheOption, AFullDiskLeavesTheOldFile) {
  cached("The king");
  const std::string before = read(file_);
  Start start;
  start.file_limit = before.size() / 2;
  const Result result = swiftlet({"run", "stories-7m", kPrompt, "-n", "2", "--prompt-cache", file_}, start);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("prompt.state] writing failed"));
  EXPECT_EQ(read(file_), before);
  EXPECT_EQ(scratch_.files(), 1u);
}

TEST_F(PromptCacheOption, WrongUseIsTold) {
  EXPECT_EQ(swiftlet({"run", "stories-7m", "x", "--prompt-cache-ro"}).status, 2);
  EXPECT_EQ(
      swiftlet({"run", "stories-7m", "x", "--prompt-cache", file_, "--prompt-cache-ro", "--prompt-cache-all"})
          .status,
      2);
  EXPECT_EQ(
      swiftlet({"run", "stories-7m", "x", "--prompt-cache", file_, "--samples", "2", "--temperature", "1"})
          .status,
      2);
  EXPECT_EQ(
      swiftlet({"run", "assets/stories-7m", "x", "--prompt-cache", "assets/stories-7m/config.json"}).status,
      2);
}

TEST_F(PromptCacheOption, ChatGoesOnWhereItWas) {
  const auto chat = [&](const std::string& input, std::vector<std::string> more) {
    std::vector<std::string> words{
        "chat",   "stories-7m", "--chat-template",
        "plain",  "-n",         "12",
        "--json", "--system",   "You tell stories of animals that live in the forest and are kind."};
    words.insert(words.end(), more.begin(), more.end());
    return json_of(swiftlet(words, {.input = input}));
  };
  const std::vector<std::string> cache{"--prompt-cache", file_, "--prompt-cache-all"};
  const auto first = chat("Once upon a time\n", cache);
  EXPECT_EQ(first["reused_tokens"], 0);
  const auto again = chat("Once upon a time\nWhat then?\n", cache);
  const auto plain = chat("Once upon a time\nWhat then?\n", {});
  EXPECT_EQ(again["messages"], plain["messages"]);
  EXPECT_GT(again["reused_tokens"], plain["reused_tokens"].get<int>() + 15);
  const auto other =
      chat("The king\n", {"--prompt-cache", file_, "--prompt-cache-ro"});  // the system prompt is the same
  EXPECT_GT(other["reused_tokens"], 10);
  EXPECT_EQ(other["messages"], chat("The king\n", {})["messages"]);
}

}  // namespace
}  // namespace swiftlet::cli_test
