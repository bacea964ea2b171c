// Fourth stage of the pipeline: post-processors put special tokens around one text or two, and may correct
// offsets.
//
// A new kind is one file with a factory, declared below, and one row of the table in post_processor.cpp.
// Immutable after construction and shareable between threads.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "swiftlet/text/added_tokens.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/tokenized_text.h"

namespace swiftlet::text {

// All tokens of a tokenizer, the model's and the added ones. Looks at both, owns nothing.
class TokenTable {
 public:
  TokenTable() = default;
  TokenTable(const Vocabulary& vocabulary, const AddedTokens& added)
      : vocabulary_(&vocabulary), added_(&added) {}

  std::int32_t find(std::string_view token) const;
  bool has(std::int32_t id) const { return added_->find(id) || vocabulary_->has(id); }
  // REQUIRES: has(id).
  std::string_view token(std::int32_t id) const;
  std::int32_t end_id() const { return std::max(vocabulary_->end_id(), added_->end_id()); }
  bool is_special(std::int32_t id) const { return added_->is_special(id); }

 private:
  const Vocabulary* vocabulary_ = nullptr;
  const AddedTokens* added_ = nullptr;
};

class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  // `parts`: the text, or the two texts of a pair; may be joined into one part.
  virtual void process(std::vector<TokenizedText>& parts, const TokenTable& tokens,
                       bool add_special) const = 0;
  // How many tokens it adds to one text, or to a pair.
  virtual std::size_t added(bool /*pair*/) const { return 0; }
  // What it knows about the roles of tokens, or Vocabulary::kNone.
  virtual std::int32_t first_special() const { return Vocabulary::kNone; }
  virtual std::int32_t last_special() const { return Vocabulary::kNone; }
};

using PostProcessorPointer = std::unique_ptr<const PostProcessor>;
using PostProcessors = std::vector<PostProcessorPointer>;

// The "post_processor" part of a tokenizer file; a Sequence is flattened. Throws kUnsupported for a kind that
// is not known, naming it.
PostProcessors make_post_processors(const JsonView& json, const TokenTable& tokens);

// The kinds.
PostProcessorPointer make_template_processing(const JsonView& json, const TokenTable& tokens);
PostProcessorPointer make_bert_processing(const JsonView& json, const TokenTable& tokens);
PostProcessorPointer make_roberta_processing(const JsonView& json, const TokenTable& tokens);
PostProcessorPointer make_byte_level_processing(const JsonView& json, const TokenTable& tokens);

// Moves the offsets of byte-level tokens inwards, off the spaces at their ends. `prefixed`: the first token
// of the text begins with a space that was not in the text.
void trim_offsets(TokenizedText& text, const TokenTable& tokens, bool prefixed);

}  // namespace swiftlet::text
