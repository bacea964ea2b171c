// swiftlet chat from a pipe: turns, commands, files, what is kept in the cache, errors.
#include <fstream>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kModel = "assets/stories-7m";

Result chat(const std::string& input, std::vector<std::string> more = {}) {
  std::vector<std::string> words{"chat", kModel, "--chat-template", "plain", "-n", "12"};
  words.insert(words.end(), more.begin(), more.end());
  return swiftlet(words, {.input = input});
}

TEST(Chat, AnswersEveryLine) {
  const Result result = chat("Once upon a time\nAnd then?\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 answers"));
  EXPECT_FALSE(result.out.empty());
  EXPECT_THAT(result.out, Not(HasSubstr("> ")));  // prompts are for terminals
}

TEST(Chat, KeepsTheConversation) {
  const auto json = json_of(chat("Hello\nAgain\n", {"--json", "--system", "Be kind."}));
  ASSERT_EQ(json["messages"].size(), 5U);
  EXPECT_EQ(json["messages"][0]["content"], "Be kind.");
  EXPECT_EQ(json["messages"][3]["content"], "Again");
  EXPECT_EQ(json["messages"][4]["role"], "assistant");
  EXPECT_EQ(json["answers"], 2);
}

// The second turn finds the first in the cache, and answers as a program that computes all of it.
TEST(Chat, ReusesWhatTheTurnsHaveInCommon) {
  const Scratch scratch;
  const std::string file = scratch.path("first.json");
  for (const char* cache : {"f32", "bf16", "int8"}) {
    SCOPED_TRACE(cache);
    const auto both = json_of(
        chat("Once upon a time\n/save " + file + "\nWhat came then?\n", {"--json", "--cache", cache}));
    EXPECT_GT(both["reused_tokens"], 10);
    EXPECT_LT(both["reused_tokens"], both["prompt_tokens"]);
    const auto fresh = json_of(chat("What came then?\n", {"--json", "--messages", file, "--cache", cache}));
    EXPECT_EQ(fresh["reused_tokens"], 0);
    EXPECT_EQ(fresh["messages"], both["messages"]);
  }
}

TEST(Chat, Commands) {
  const auto undone = json_of(chat("One\nTwo\n/undo\n", {"--json"}));
  ASSERT_EQ(undone["messages"].size(), 2U);
  EXPECT_EQ(undone["messages"][0]["content"], "One");
  const auto edited = json_of(chat("One\n/edit Three\n", {"--json"}));
  ASSERT_EQ(edited["messages"].size(), 2U);
  EXPECT_EQ(edited["messages"][0]["content"], "Three");
  const auto again = json_of(chat("One\n/retry\n", {"--json"}));
  EXPECT_EQ(again["answers"], 2);
  ASSERT_EQ(again["messages"].size(), 2U);
  EXPECT_TRUE(json_of(chat("One\n/clear\n", {"--json"}))["messages"].empty());
  const auto system = json_of(chat("/system Rhyme.\n//One\n/exit\nTwo\n", {"--json"}));
  ASSERT_EQ(system["messages"].size(), 3U);
  EXPECT_EQ(system["messages"][0]["content"], "Rhyme.");
  EXPECT_EQ(system["messages"][1]["content"], "/One");
  EXPECT_THAT(chat("/help\n/stats\n").err, HasSubstr("/retry"));
}

TEST(Chat, SavesAndLoads) {
  const Scratch scratch;
  const std::string file = scratch.path("talk.json");
  EXPECT_EQ(chat("你好\n/save " + file + "\n").status, 0);
  const auto saved = nlohmann::json::parse(read(file));
  ASSERT_EQ(saved["messages"].size(), 2U);
  EXPECT_EQ(saved["messages"][0]["content"], "你好");
  EXPECT_EQ(json_of(chat("/load " + file + "\n", {"--json"}))["messages"], saved["messages"]);
}

TEST(Chat, PrintsWhatTheModelReads) {
  const Scratch scratch;
  const std::string file =
      scratch.write("m.json", R"([{"role":"system","content":"S"},{"role":"user","content":"中文"}])");
  const auto prompt = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"chat", kModel, "--messages", file, "--print-prompt"};
    words.insert(words.end(), more.begin(), more.end());
    return swiftlet(words);
  };
  EXPECT_EQ(prompt({"--chat-template", "chatml"}).out,
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n中文<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(prompt({"--chat-template", "phi3"}).out,
            "<|system|>\nS<|end|>\n<|user|>\n中文<|end|>\n<|assistant|>\n");
  EXPECT_THAT(prompt({"--chat-template", "llama2"}).out,
              HasSubstr("[INST] <<SYS>>\nS\n<</SYS>>\n\n中文 [/INST]"));
  EXPECT_THAT(prompt({"--chat-template", "gemma"}).out,
              HasSubstr("<start_of_turn>user\nS\n\n中文<end_of_turn>\n<start_of_turn>model\n"));
  EXPECT_THAT(
      prompt({"--chat-template", "llama3"}).out,
      HasSubstr("<|start_header_id|>user<|end_header_id|>\n\n中文<|eot_id|><|start_header_id|>assistant"));
  const std::string own =
      scratch.write("own.jinja", "{% for m in messages %}[{{ m.content }}{{ extra }}]{% endfor %}");
  EXPECT_EQ(prompt({"--chat-template", own, "--template-variables", R"({"extra": 5})"}).out, "[S5][中文5]");
}

TEST(Chat, AFullContextIsToldOrShifted) {
  std::string input;
  for (int i = 0; i < 8; ++i)
    input += "Once upon a time there was a little bird number " + std::to_string(i) + "\n";
  const std::vector<std::string> small{"--context", "80", "--system", "Be kind."};
  const Result full = chat(input, small);
  EXPECT_EQ(full.status, 1);
  EXPECT_EQ(error_lines(full.err), 1U) << full.err;
  EXPECT_THAT(full.err, HasSubstr("and the context holds 80"));
  std::vector<std::string> shift = small;
  shift.insert(shift.end(), {"--context-shift"});
  const Result shifted = chat(input, shift);
  EXPECT_EQ(shifted.status, 0) << shifted.err;
  EXPECT_THAT(shifted.err, HasSubstr("no longer fit"));
  EXPECT_THAT(shifted.err, HasSubstr("8 answers"));
}

TEST(Chat, ErrorsAreOneLine) {
  const Scratch scratch;
  const auto fails = [](const Result& result, int status, const std::string& text) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_EQ(error_lines(result.err), 1U) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
  };
  fails(swiftlet({"chat", kModel}), 1, "has no chat template");
  fails(swiftlet({"chat", kModel, "--chat-template", "nosuch"}), 1, "no such file or chat template");
  fails(swiftlet({"chat", kModel, "--chat-template", scratch.write("t", "a\n{% if %}")}), 1,
        "[chat template: line 2]");
  fails(chat("x\n", {"--messages", scratch.write("m", "{\"a\": 1}")}), 1, "a list of messages was expected");
  fails(chat("x\n", {"--messages", scratch.write("m2", "nonsense")}), 1, "is not valid JSON");
  fails(chat("x\n", {"--messages", scratch.path("missing")}), 1, "cannot be opened");
  fails(chat("x\n", {"--tools", scratch.write("tools", "{}")}), 1, "[tools] must be a list");
  fails(chat("x\n", {"--template-variables", "[]"}), 1, "[variables] must be an object");
  fails(chat("x\n", {"--context", "100000"}), 1, "[context]");
  fails(chat("/nosuch\n"), 2, "no such command");
  fails(chat("/undo\n"), 2, "there is no message yet");
  fails(chat("/load " + scratch.path("missing") + "\n"), 1, "cannot be opened");
  fails(chat("x\n", {"--chat-template", scratch.write("r", "{{ raise_exception('no thanks') }}")}), 1,
        "no thanks");
  fails(swiftlet({"chat", "tests/data/models/bert-gelu", "--chat-template", "plain"}), 1, "encoder");
}

TEST(Chat, AnInterruptStopsTheAnswerAndNotTheProgram) {
  const Result result = swiftlet(
      {"chat", "assets/stories260K/stories260K.bin", "--chat-template", "plain", "--ignore-eos", "-n", "400"},
      {.input = "Once\n/help\n", .interrupts = 1});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("(stopped)"));
  EXPECT_THAT(result.err, HasSubstr("/retry"));  // the command behind the stopped answer
}

TEST(Chat, TemplatesOfTheModelAreTakenByName) {
  const Scratch scratch;
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"})
    std::filesystem::create_symlink(SWIFTLET_SOURCE_DIR "/assets/stories-7m/" + std::string(name),
                                    scratch.path(name));
  scratch.write("chat_template.jinja", "own {{ messages[0].content }}");
  std::filesystem::create_directory(scratch.path("additional_chat_templates"));
  scratch.write("additional_chat_templates/tool_use.jinja", "tools {{ tools | length }}");
  scratch.write("additional_chat_templates/rag.jinja", "rag {{ messages[0].content }}");
  const std::string messages = scratch.write("m.json", R"([{"role": "user", "content": "Hi"}])");
  const std::string tools = scratch.write("tools.json", R"([{"name": "f"}])");
  const auto prompt = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"chat", scratch.path(""), "--print-prompt", "--messages", messages};
    words.insert(words.end(), more.begin(), more.end());
    return swiftlet(words);
  };
  EXPECT_EQ(prompt({}).out, "own Hi");
  EXPECT_EQ(prompt({"--chat-template", "rag"}).out, "rag Hi");
  EXPECT_EQ(prompt({"--tools", tools}).out, "tools 1");
  EXPECT_EQ(prompt({"--tools", tools, "--chat-template", "rag"}).out, "rag Hi");
  const Result unknown = prompt({"--chat-template", "rags"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("plain, rag, tool_use"));
}

}  // namespace
}  // namespace swiftlet::cli_test
