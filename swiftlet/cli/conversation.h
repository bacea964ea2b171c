// A conversation as the command line keeps it: messages in OpenAI's form, and files of them.
#pragma once

#include <optional>
#include <string>

#include "swiftlet/cli/session.h"

namespace swiftlet::cli {

class Conversation {
 public:
  explicit Conversation(std::string system) { set_system(std::move(system)); }

  const Json& messages() const { return messages_; }
  std::string json() const;
  bool empty() const { return messages_.empty(); }  // but for a system prompt: false

  void set_system(const std::string& text);  // empty: none
  void add(const std::string& role, const std::string& text);
  // Takes away the last message of the user and all behind it; its text, none when there is none.
  std::optional<std::string> take_turn();
  void clear();  // but the system prompt
  // Files hold {"messages": [...]} or the list alone. Throws kInvalid, kNotFound, kIo naming the file.
  void load(const std::string& path);
  void save(const std::string& path) const;

 private:
  Json messages_ = Json::array();
};

}  // namespace swiftlet::cli
