#include "swiftlet/cli/conversation.h"

#include "swiftlet/cli/input.h"
#include "swiftlet/core/file.h"

namespace swiftlet::cli {

std::string Conversation::json() const {
  return messages_.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Conversation::set_system(const std::string& text) {
  const bool has = !messages_.empty() && messages_[0]["role"] == "system";
  if (has) messages_.erase(messages_.begin());
  if (!text.empty()) messages_.insert(messages_.begin(), Json{{"role", "system"}, {"content", text}});
}

void Conversation::add(const std::string& role, const std::string& text) {
  messages_.push_back({{"role", role}, {"content", text}});
}

std::optional<std::string> Conversation::take_turn() {
  for (std::size_t i = messages_.size(); i-- > 0;) {
    if (messages_[i]["role"] != "user") continue;
    const Json& content = messages_[i]["content"];
    std::string text = content.is_string() ? content.get<std::string>() : "";
    messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(i), messages_.end());
    return text;
  }
  return std::nullopt;
}

void Conversation::clear() {
  const bool system = !messages_.empty() && messages_[0]["role"] == "system";
  messages_.erase(messages_.begin() + (system ? 1 : 0), messages_.end());
}

void Conversation::load(const std::string& path) {
  const Job job;
  Json read = Json::parse(Input(path, job).all(), nullptr, false);
  require(!read.is_discarded(), path, "is not valid JSON");
  if (read.is_object() && read.contains("messages")) read = Json(read["messages"]);
  require(read.is_array(), path, "a list of messages was expected, or an object with one");
  for (const Json& message : read)
    require(message.is_object() && message.contains("role") && message["role"].is_string() &&
                message.contains("content"),
            path, "each message must have a role and a content");
  messages_ = std::move(read);
}

void Conversation::save(const std::string& path) const {
  const Json whole{{"messages", messages_}};
  OutputFile file(path);
  file.write(whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit();
}

}  // namespace swiftlet::cli
