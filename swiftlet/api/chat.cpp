// Conversations: messages through the template into one prompt, and where an answer ends.
#include "swiftlet/chat.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "swiftlet/api/model_impl.h"
#include "swiftlet/io/json.h"
#include "swiftlet/text/chat_template.h"
#include "swiftlet/text/jinja.h"

namespace swiftlet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kDefaultContext = 4096;

Json parse(std::string_view text, std::string_view where) {
  parse_json(text, where);  // for its limits and its errors
  return Json::parse(text);
}

Json parse_messages(std::string_view text) {
  Json messages = parse(text, "messages");
  require(messages.is_array(), "messages", "must be a list, came {}", messages.type_name());
  for (const Json& message : messages)
    require(message.is_object() && message.contains("role") && message["role"].is_string(), "messages",
            "each must be an object with a role");
  return messages;
}

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm result{};
  localtime_r(&now, &result);
  return result;
}

std::string template_source(const LoadedModel& model, const std::string& given, bool with_tools) {
  const auto& own = model.checkpoint.named_templates;
  // As transformers chooses among the templates of a model.
  const auto mine = own.find(given.empty() && with_tools ? "tool_use" : given);
  if (mine != own.end()) return mine->second;
  const auto known = text::named_templates();
  const auto named =
      std::find_if(known.begin(), known.end(), [&](const auto& row) { return row.name == given; });
  if (named != known.end()) return std::string(named->source);
  if (!given.empty()) return given;
  if (model.checkpoint.chat_template.empty() && !own.empty()) {
    std::vector<std::string_view> names;
    for (const auto& [name, source] : own) names.push_back(name);
    fail(ErrorCode::kNotFound, model.checkpoint.source,
         "has chat templates by name and no default one; give one of {}", fmt::join(names, ", "));
  }
  if (model.checkpoint.chat_template.empty())
    fail(ErrorCode::kNotFound, model.checkpoint.source,
         "has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); give one, "
         "such as {}",
         fmt::join(chat_template_names(), ", "));
  return model.checkpoint.chat_template;
}

// "<s>", or {"content": "<s>", ...}.
std::optional<std::string> token_text(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  const auto content = token.is_object() ? token.find("content") : token.end();
  if (!token.is_object() || content == token.end() || !content->is_string()) return std::nullopt;
  return content->get<std::string>();
}

// bos_token, eos_token, image_token, ...: all that tokenizer_config.json names. Of what it does not speak of,
// those that the tokenizer knows; null says that there is none.
Json special_tokens(const LoadedModel& model) {
  const Json config = model.checkpoint.tokenizer.config.json();
  Json tokens = Json::object();
  const auto put = [&](const std::string& name, const Json& token) {
    if (const auto text = token_text(token)) tokens[name] = *text;
  };
  if (config.is_object())
    for (const auto& [name, token] : config.items()) {
      if (name.ends_with("_token")) put(name, token);
      if (name == "extra_special_tokens" && token.is_object())
        for (const auto& [own, text] : token.items()) put(own, text);
    }
  const Tokenizer& tokenizer = model.require_tokenizer();
  const SpecialTokens& ids = tokenizer.special();
  for (const auto& [name, id] : {std::pair{"bos_token", ids.bos},
                                 {"eos_token", ids.eos},
                                 {"unk_token", ids.unk},
                                 {"pad_token", ids.pad},
                                 {"cls_token", ids.cls},
                                 {"sep_token", ids.sep},
                                 {"mask_token", ids.mask}})
    if (id >= 0 && !config.contains(name)) tokens[name] = std::string(tokenizer.id_to_token(id).value_or(""));
  return tokens;
}

// Drops the oldest turn: what comes behind the system prompt, up to the next message of the user. False when
// only the last turn is left.
bool drop_turn(Json& messages, std::int64_t& dropped) {
  const auto is = [&](std::size_t i, const char* role) { return messages[i]["role"] == role; };
  std::size_t begin = 0;
  while (begin < messages.size() && (is(begin, "system") || is(begin, "developer"))) ++begin;
  std::size_t end = begin + 1;
  while (end < messages.size() && !is(end, "user")) ++end;
  if (end >= messages.size()) return false;
  messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(begin),
                 messages.begin() + static_cast<std::ptrdiff_t>(end));
  dropped += static_cast<std::int64_t>(end - begin);
  return true;
}

}  // namespace

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const auto& row : text::named_templates()) names.emplace_back(row.name);
  return names;
}

struct Chat::Impl {
  Model::Impl& model;
  text::JinjaTemplate chat_template;
  Json variables;
  std::int64_t context = 0;
  bool context_shift = false;
  std::vector<std::int32_t> end_tokens;
  std::vector<std::string> end_texts;

  std::string render(const Json& messages, bool answer) const;
  void find_end();
};

std::string Chat::Impl::render(const Json& messages, bool answer) const {
  Json all = variables;
  all["messages"] = messages;
  all["add_generation_prompt"] = answer;
  return chat_template.render(all.dump(-1, ' ', false, Json::error_handler_t::replace),
                              {.now = local_time()});
}

// What the template puts behind an answer ends it: a special token, or else a text.
void Chat::Impl::find_end() {
  const std::string mark = "swiftlet-answer";
  std::string tail;
  try {
    tail = render(Json::array({{{"role", "user"}, {"content", "question"}},
                               {{"role", "assistant"}, {"content", mark}}}),
                  false);
  } catch (const Error&) {
    return;  // a template that wants other conversations
  }
  const std::size_t place = tail.rfind(mark);
  if (place == std::string::npos) return;
  tail = tail.substr(place + mark.size());
  const std::size_t begin = tail.find_first_not_of(" \n\t");
  if (begin == std::string::npos) return;
  tail = tail.substr(begin);
  const Tokenizer& tokenizer = model.loaded->require_tokenizer();
  for (const std::int32_t id : tokenizer.encode(tail, {.add_special = false}).ids) {
    if (tokenizer.is_special(id)) {
      end_tokens.push_back(id);
      return;
    }
    const std::string spelled = tokenizer.decode(std::span(&id, 1));
    if (spelled.find_first_not_of(" \n\t") != std::string::npos) break;
  }
  end_texts.push_back(tail.substr(0, tail.find('\n')));
}

Chat::Chat(Model& model, const ChatOptions& options) {
  Model::Impl& inside = ModelAccess::impl(model);
  const LoadedModel& loaded = *inside.loaded;
  if (loaded.built.kind != models::Kind::kDecoder)
    fail(ErrorCode::kUnsupported, loaded.checkpoint.source, "is an encoder; a chat needs a decoder");
  const std::int64_t most = loaded.built.max_positions;
  require(options.context >= 0 && options.context <= most, "context",
          "of {} tokens is not within the model's {}", options.context, most);
  impl_ = std::make_unique<Impl>(
      Impl{.model = inside,
           .chat_template = text::JinjaTemplate::parse(
               template_source(loaded, options.chat_template, !options.tools.empty()), "chat template"),
           .variables = special_tokens(loaded),
           .context = options.context > 0 ? options.context : std::min(most, kDefaultContext),
           .context_shift = options.context_shift});
  if (!options.variables.empty()) {
    const Json more = parse(options.variables, "variables");
    require(more.is_object(), "variables", "must be an object, came {}", more.type_name());
    impl_->variables.update(more);
  }
  impl_->variables["tools"] = nullptr;
  if (!options.tools.empty()) {
    impl_->variables["tools"] = parse(options.tools, "tools");
    require(impl_->variables["tools"].is_array(), "tools", "must be a list");
  }
  impl_->variables["documents"] = nullptr;
  impl_->find_end();
}

Chat::Chat(Chat&&) noexcept = default;
Chat& Chat::operator=(Chat&&) noexcept = default;
Chat::~Chat() = default;

std::int64_t Chat::context() const {
  return impl_->context;
}

std::string Chat::prompt(std::string_view messages, bool answer) const {
  return impl_->render(parse_messages(messages), answer);
}

ChatReply Chat::reply(std::string_view text, const GenerateOptions& options, const Model::OnText& on_text,
                      const Job* job) {
  Json messages = parse_messages(text);
  ChatReply reply;
  const LoadedModel& loaded = *impl_->model.loaded;
  const auto tokens_of = [&] { return loaded.encode(impl_->render(messages, true), {.add_special = false}); };
  std::vector<std::int32_t> tokens = tokens_of();
  const std::int64_t context = impl_->context;
  if (impl_->context_shift && std::ssize(tokens) >= context) {
    while (std::ssize(tokens) > context - std::max<std::int64_t>(context / 4, 1) &&
           drop_turn(messages, reply.dropped_messages))
      tokens = tokens_of();
  }
  if (std::ssize(tokens) >= context)
    fail(ErrorCode::kInvalid, "chat", "the conversation has {} tokens and the context holds {}; {}",
         tokens.size(), context,
         impl_->context_shift ? "its last turn alone is too long"
                              : "shorten it, or let its oldest turns go (context shift)");
  require(!tokens.empty(), "chat", "the template makes no text of these messages");
  GenerateOptions ending = options;
  ending.max_new_tokens = std::min(options.max_new_tokens, context - std::ssize(tokens));
  ending.stop.insert(ending.stop.end(), impl_->end_texts.begin(), impl_->end_texts.end());
  reply.generation =
      impl_->model.generate_turn(std::move(tokens), ending, impl_->end_tokens, context, on_text, job);
  const Generation& made = reply.generation;
  reply.context_full =
      made.finish_reason == "length" && made.prompt_tokens + std::ssize(made.tokens) >= context;
  return reply;
}

}  // namespace swiftlet
