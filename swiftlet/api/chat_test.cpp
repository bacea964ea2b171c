// Chat as a program of the library uses it.
#include "swiftlet/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kModel = SWIFTLET_SOURCE_DIR "/assets/stories260K/stories260K.bin";
constexpr const char* kHello = R"([{"role": "user", "content": "Once upon a time"}])";

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Chat, StreamsWhatItReturns) {
  auto model = Model::load(kModel);
  Chat chat(model, {.chat_template = "plain"});
  std::string streamed;
  const ChatReply reply = chat.reply(kHello, {.max_new_tokens = 20}, [&](std::string_view piece) {
    streamed += piece;
    return true;
  });
  EXPECT_EQ(streamed, reply.generation.text);
  EXPECT_EQ(reply.generation.reused_tokens, 0);
  // The same once more: all but the last token of the prompt is there, and the answer is the same.
  const ChatReply again = chat.reply(kHello, {.max_new_tokens = 20});
  EXPECT_EQ(again.generation.text, streamed);
  EXPECT_EQ(again.generation.reused_tokens, again.generation.prompt_tokens - 1);
}

TEST(Chat, OtherWorkOfTheModelDoesNotDisturb) {
  auto model = Model::load(kModel);
  Chat chat(model, {.chat_template = "plain", .context = 256}), other(model, {.chat_template = "zephyr"});
  const std::string first = chat.reply(kHello, {.max_new_tokens = 20}).generation.text;
  const std::string plain = model.generate("Lily", {.max_new_tokens = 9}).text;
  EXPECT_EQ(chat.reply(kHello, {.max_new_tokens = 20}).generation.text, first);
  other.reply(kHello, {.max_new_tokens = 5});
  EXPECT_EQ(model.generate("Lily", {.max_new_tokens = 9}).text, plain);
  EXPECT_EQ(model.generate({"Lily", "Tom", "Lily"}, {.max_new_tokens = 9}).back().text, plain);
  EXPECT_EQ(chat.reply(kHello, {.max_new_tokens = 20}).generation.text, first);
}

// The text behind the mark that the template puts after an answer.
TEST(Chat, EndsWhereTheTemplateEndsAnAnswer) {
  auto model = Model::load(kModel);
  const std::string free =
      Chat(model, {.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"})
          .reply(kHello, {.max_new_tokens = 60})
          .generation.text;
  const std::size_t word = free.find(' ', free.size() / 2);
  const std::string mark = free.substr(word + 1, free.find(' ', word + 1) - word - 1);
  const std::string source = "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}" + mark +
                             "{% endif %}{% endfor %}";
  const Generation ended =
      Chat(model, {.chat_template = source}).reply(kHello, {.max_new_tokens = 60}).generation;
  EXPECT_EQ(ended.finish_reason, "stop");
  EXPECT_EQ(ended.text, free.substr(0, free.find(mark)));
}

TEST(Chat, RefusesWhatItCannotUse) {
  auto model = Model::load(kModel);
  EXPECT_THAT(message_of([&] { Chat chat(model); }), HasSubstr("has no chat template"));
  EXPECT_THAT(message_of([&] { Chat(model, {.chat_template = "{{"}); }),
              HasSubstr("[chat template: line 1]"));
  EXPECT_THAT(message_of([&] { Chat(model, {.chat_template = "plain", .context = 1 << 20}); }),
              HasSubstr("[context]"));
  Chat chat(model, {.chat_template = "plain"});
  for (const char* messages :
       {"", "{}", "[1]", "[{}]", R"([{"role": 5}])", "[{\"role\": \"user\"", "nonsense"})
    EXPECT_THAT(message_of([&] { chat.reply(messages); }), HasSubstr("[messages")) << messages;
  Chat strict(model, {.chat_template = "chatml"});
  EXPECT_THAT(message_of([&] { strict.reply(R"([{"role": "user"}])"); }), HasSubstr("[chat template: line"));
}

// A copy of a bundled model with a tokenizer_config.json of its own.
class ChatFolder : public ::testing::Test {
 protected:
  ChatFolder() {
    for (const auto& entry : std::filesystem::directory_iterator(SWIFTLET_SOURCE_DIR "/assets/stories-7m"))
      std::filesystem::copy_file(entry.path(), folder_.path() / entry.path().filename());
  }
  void config(std::string_view json) { testing::write_file(folder_ / "tokenizer_config.json", json); }
  std::string prompt(const ChatOptions& options = {}) const {
    Model model = Model::load(folder_.path());
    return Chat(model, options).prompt(kHello);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ChatFolder, TemplatesSeeTheTokensOfTheConfig) {
  const ChatOptions own{.chat_template = "[{{ bos_token }}|{{ mask_token }}|{{ image_token }}|{{ boi }}]"};
  EXPECT_THAT(prompt(own), Not(StartsWith("[|")));  // what the tokenizer knows
  config(R"({"bos_token":null,"mask_token":{"content":"<m>"},"image_token":"<img>","add_bos_token":true,)"
         R"("extra_special_tokens":{"boi":"<boi>"}})");
  EXPECT_EQ(prompt(own), "[|<m>|<img>|<boi>]");
}

TEST_F(ChatFolder, TemplatesByNameAloneAreListed) {
  config(R"({"chat_template":[{"name":"rag","template":"R"},{"name":"tool_use","template":"T"}]})");
  EXPECT_THAT(message_of([&] { prompt(); }),
              HasSubstr("has chat templates by name and no default one; give one of rag, tool_use"));
  EXPECT_EQ(prompt({.chat_template = "rag"}), "R");
}

}  // namespace
}  // namespace swiftlet
