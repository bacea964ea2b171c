// Last stage of the pipeline, ids back to text: a chain of decoders through which the tokens flow.
//
// A decoder opens a TokenSink in front of the next one. A token arrives in one or more parts and is then
// ended; finish() comes after the last token. So one text in full and the same text in a stream take the same
// road, and their results cannot differ. A sink may hold text back until what follows decides about it.
//
// Decoders are immutable and shareable; sinks belong to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/text/json_view.h"

namespace swiftlet::text {

class TokenSink {
 public:
  virtual ~TokenSink() = default;
  virtual void part(std::string_view text) = 0;
  virtual void end_token() = 0;
  virtual void finish() = 0;
};
using TokenSinkPointer = std::unique_ptr<TokenSink>;

// A sink that wants to see whole tokens.
class WholeTokenSink : public TokenSink {
 public:
  explicit WholeTokenSink(TokenSink& next) : next_(next) {}
  void part(std::string_view text) final { token_.append(text); }
  void end_token() final {
    token(token_);
    token_.clear();
  }
  void finish() override { next_.finish(); }

 protected:
  virtual void token(std::string_view text) = 0;
  void pass_on(std::string_view text) {
    next_.part(text);
    next_.end_token();
  }
  TokenSink& next_;

 private:
  std::string token_;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  // The sink refers to `next` and to this decoder, which must outlive it.
  virtual TokenSinkPointer open(TokenSink& next) const = 0;
  // At most this many bytes come out for each that goes in.
  virtual double growth() const { return 1; }
};

using DecoderPointer = std::unique_ptr<const Decoder>;
using Decoders = std::vector<DecoderPointer>;

// The "decoder" part of a tokenizer file; a Sequence is flattened. Throws kUnsupported for a kind that is not
// known, naming it; kInvalid for replacements that multiply one another beyond all proportion.
Decoders make_decoders(const JsonView& json);
// What joins tokens with spaces, when a file names no decoder.
DecoderPointer make_space_joiner();

// A chain of open sinks that ends in a text.
class DecoderChain {
 public:
  explicit DecoderChain(const Decoders& decoders);
  void token(std::string_view text) {
    head_->part(text);
    head_->end_token();
  }
  void finish() { head_->finish(); }
  // What has come out since the last call.
  std::string take();

 private:
  class Collector final : public TokenSink {
   public:
    void part(std::string_view text) override { out.append(text); }
    void end_token() override {}
    void finish() override {}
    std::string out;
  };
  std::unique_ptr<Collector> collector_;
  std::vector<TokenSinkPointer> sinks_;  // from the last to the first
  TokenSink* head_;
};

// The kinds.
DecoderPointer make_byte_level_decoder(const JsonView& json);
DecoderPointer make_wordpiece_decoder(const JsonView& json);
DecoderPointer make_metaspace_decoder(const JsonView& json);
DecoderPointer make_bpe_decoder(const JsonView& json);
DecoderPointer make_byte_fallback(const JsonView& json);
DecoderPointer make_fuse(const JsonView& json);
DecoderPointer make_strip_decoder(const JsonView& json);
DecoderPointer make_replace_decoder(const JsonView& json);
DecoderPointer make_ctc_decoder(const JsonView& json);

}  // namespace swiftlet::text
