// Text to token ids and back: normalizer, pre-tokenizer, model, post-processor and decoder, as the field's
// tokenizer.json names them. docs/text.md tells what is there.
//
// A Tokenizer is a handle to immutable data: cheap to copy, shareable between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "swiftlet/text/tokenized_text.h"

namespace swiftlet {

struct TokenizerSource;  // io/checkpoint.h
namespace text {
struct TokenizerText;  // text/tokenizer_json.h
}

struct EncodeOptions {
  bool add_special = true;     // what the post-processor adds: [CLS] and [SEP], <s>, ...
  std::size_t max_tokens = 0;  // 0: no limit. The text is cut short, the special tokens stay
};

struct DecodeOptions {
  bool skip_special = true;
};

// Ids of the tokens with a role; -1 where there is none or it is not known.
struct SpecialTokens {
  std::int32_t bos = -1, eos = -1, cls = -1, sep = -1, pad = -1, unk = -1, mask = -1;
  bool operator==(const SpecialTokens&) const = default;
};

class Tokenizer {
 public:
  // Of a checkpoint's files, or of those that open_tokenizer() found (io/tokenizer_source.h). Throws
  // swiftlet::Error naming file and place: kNotFound when there is none, kInvalid for malformed files,
  // kUnsupported for a part that is not available. "truncation" and "padding" of a tokenizer.json are the
  // caller's affair (EncodeOptions) and not applied.
  static Tokenizer from_source(const TokenizerSource& source);
  // The texts of a tokenizer.json and of its tokenizer_config.json ("": none). `where` names the first in
  // errors.
  static Tokenizer from_json(std::string_view json, std::string_view where, std::string_view config = {});

  // Of a converter of this library (tokenizer_files.h).
  static Tokenizer from_text(text::TokenizerText text, std::string where);

  // What a native file carries beside serialized(), so that nothing need be parsed to load it:
  // TokenizerSource's `tables` (tokenizer_tables.h).
  std::string tables() const;
  // Texts of which from_json() makes an equal tokenizer, whatever this one was loaded from; the field's own
  // package reads the first.
  const std::string& serialized() const;
  const std::string& config() const;

  // Ids and places of `text`, which need not be valid UTF-8 (malformed pieces count as U+FFFD). O(n log n),
  // with the longest token as a factor for Unigram; regular expressions end at a step limit. Throws kInvalid
  // for 2^30 bytes and more and at that limit, kUsage when max_tokens leaves no room for the special tokens.
  TokenizedText encode(std::string_view text, const EncodeOptions& options = {}) const;
  // Two texts (question and passage, premise and hypothesis) in one sequence. Over max_tokens, the longer one
  // is cut first.
  TokenizedText encode_pair(std::string_view first, std::string_view second,
                            const EncodeOptions& options = {}) const;

  // Ids without a token are skipped, as a model may have more rows than its tokenizer has tokens. The result
  // is valid UTF-8.
  std::string decode(std::span<const std::int32_t> ids, const DecodeOptions& options = {}) const;

  // The highest id + 1; ids below it may have no token.
  std::int32_t vocab_size() const;
  std::optional<std::int32_t> token_to_id(std::string_view token) const;
  // As the vocabulary spells it ("##ing", "Ġthe"). Valid while a handle to this tokenizer lives.
  std::optional<std::string_view> id_to_token(std::int32_t id) const;
  bool is_special(std::int32_t id) const;
  const SpecialTokens& special() const;
  // How many tokens encode() (or encode_pair()) adds to the text.
  std::size_t added_count(bool pair = false) const;
  // What the vocabulary spells before pieces that continue a word ("##"); empty where it does not. Valid
  // while a handle to this tokenizer lives.
  std::string_view continuing_prefix() const;

 private:
  friend class StreamDecoder;
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Decodes a stream of ids: the pieces that push() and finish() return, put together, are what decode() makes
// of all ids, and each piece ends with a whole character. To continue a prompt, push its ids first and drop
// what comes out. One thread at a time.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, const DecodeOptions& options = {});
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;

  // The text that `id` completes, often nothing: half a character waits for its other half.
  std::string push(std::int32_t id);
  // The rest, at the end of the stream. REQUIRES: no push() afterwards.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swiftlet
