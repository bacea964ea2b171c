#include "swiftlet/text/post_processor.h"

#include <array>

namespace swiftlet::text {
namespace {

struct Kind {
  std::string_view name;
  PostProcessorPointer (*make)(const JsonView&, const TokenTable&);
};

constexpr std::array kKinds = {
    Kind{"TemplateProcessing", make_template_processing},
    Kind{"BertProcessing", make_bert_processing},
    Kind{"RobertaProcessing", make_roberta_processing},
    Kind{"ByteLevel", make_byte_level_processing},
};

void append(const JsonView& json, const TokenTable& tokens, PostProcessors& out) {
  const std::string_view type = json.at("type").string();
  if (type == "Sequence") {
    json.at("processors").each([&](const JsonView& item) { append(item, tokens, out); });
    return;
  }
  for (const Kind& kind : kKinds)
    if (kind.name == type) {
      out.push_back(kind.make(json, tokens));
      return;
    }
  json.unsupported("the post-processor {} is not available", shown(type));
}

}  // namespace

std::int32_t TokenTable::find(std::string_view token) const {
  const std::int32_t id = added_->find(token);
  return id != Vocabulary::kNone ? id : vocabulary_->find(token);
}

std::string_view TokenTable::token(std::int32_t id) const {
  const AddedToken* const added = added_->find(id);
  return added ? std::string_view(added->content) : vocabulary_->token(id);
}

PostProcessors make_post_processors(const JsonView& json, const TokenTable& tokens) {
  PostProcessors out;
  append(json, tokens, out);
  return out;
}

}  // namespace swiftlet::text
