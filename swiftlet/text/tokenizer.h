// Text to token ids and back: normalizer, pre-tokenizer, model, post-processor and decoder, as the field's
// tokenizer.json names them. docs/text.md tells what is there.
//
// A Tokenizer is a handle to immutable data: cheap to copy, shareable between threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "swiftlet/text/tokenized_text.h"

namespace swiftlet {

struct TokenizerSource;  // io/checkpoint.h

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
  // `path`: a tokenizer.json; a tokenizer.bin of llama2.c; a vocab.txt; or a folder that holds
  // tokenizer.json, vocab.txt or tokenizer.bin, with tokenizer_config.json beside it or not. Throws
  // swiftlet::Error naming file and place: kNotFound, kInvalid for malformed files, kUnsupported for a stage
  // that is not available. "truncation" and "padding" of a tokenizer.json are the caller's affair
  // (EncodeOptions) and not applied.
  static Tokenizer load(const std::filesystem::path& path);
  // Of a checkpoint's files, with their tokenizer_config.json. REQUIRES: source.kind is not kNone.
  static Tokenizer from_source(const TokenizerSource& source);
  // The text of a tokenizer.json, or what serialized() gave. `where` names it in errors.
  static Tokenizer from_json(std::string_view json, std::string_view where);

  // Text that from_json() makes an equal tokenizer of, whatever this one was loaded from.
  const std::string& serialized() const;

  // Ids and places of `text`, which need not be valid UTF-8: malformed pieces count as U+FFFD. The time is
  // O(n log n) at worst. Throws kInvalid for texts of 2^30 bytes and more and for regular expressions that
  // run away, kUsage when max_tokens leaves no room for the special tokens.
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
