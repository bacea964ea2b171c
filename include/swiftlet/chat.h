// Conversations: messages in, a streamed answer out.
//
//   swiftlet::Chat chat(model);
//   auto reply = chat.reply(R"([{"role": "user", "content": "Hello"}])", {.max_new_tokens = 200}, print);
//
// Messages are those of OpenAI's interface, as JSON text: [{"role": "user", "content": "..."}, ...]; whatever
// else a message holds (tool_calls, reasoning_content, ...) reaches the model's template. The caller keeps
// the conversation. What the model computed for the messages that two calls have in common is kept in its
// cache and not computed again.
//
// Errors and threads as in swiftlet.h; a Chat uses its Model as long as it lives, which must not be moved or
// destroyed before. Several Chats may share a Model: they take turns, and the cache serves the last one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/export.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet {

struct ChatOptions {
  // A name of Model::chat_templates() or chat_template_names(), or the text of a Jinja template; empty: that
  // of the model, with tools the one named "tool_use" where it has one.
  std::string chat_template = {};
  std::string tools = {};      // a JSON list of functions, for templates that show them to the model
  std::string variables = {};  // a JSON object of more that the template may name: {"enable_thinking": false}
  std::int64_t context = 0;    // tokens; 0: what the model allows, at most 4096
  // When a conversation does not fit, drop its oldest turns, but never the system prompt, until a quarter of
  // the context is free; otherwise it is an error.
  bool context_shift = false;
};

// Names of templates that any model may be given: "chatml", "llama2", ...
SWIFTLET_API std::vector<std::string> chat_template_names();

struct ChatReply {
  Generation generation;
  std::int64_t dropped_messages = 0;  // by context_shift
  bool context_full = false;          // the answer ends because the context does
};

class SWIFTLET_API Chat {
 public:
  // Throws kNotFound when the model has no template and none is given, kUnsupported for an encoder, kInvalid
  // for a template or JSON that is malformed.
  explicit Chat(Model& model, const ChatOptions& options = {});
  Chat(Chat&&) noexcept;
  Chat& operator=(Chat&&) noexcept;
  ~Chat();

  // The text that the model reads; `answer`: with the beginning of an answer at its end. Throws kInvalid for
  // what is no list of messages, and for what the template refuses.
  std::string prompt(std::string_view messages, bool answer = true) const;
  // The next answer, streamed as by Model::generate(). It ends at an end token of the model, at what its
  // template puts behind an answer, or as `options` say.
  ChatReply reply(std::string_view messages, const GenerateOptions& options = {},
                  const Model::OnText& on_text = {}, const Job* job = nullptr);
  std::int64_t context() const;  // tokens

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swiftlet
