#include "swiftlet/text/tokenizer.h"

#include <array>
#include <mutex>

#include "swiftlet/core/error.h"
#include "swiftlet/text/added_tokens.h"
#include "swiftlet/text/decoder.h"
#include "swiftlet/text/model.h"
#include "swiftlet/text/normalizer.h"
#include "swiftlet/text/post_processor.h"
#include "swiftlet/text/pretokenizer.h"
#include "swiftlet/text/tokenizer_files.h"
#include "swiftlet/text/tokenizer_overlay.h"
#include "swiftlet/text/tokenizer_tables.h"

namespace swiftlet {

using text::JsonDocument;
using text::JsonView;
using text::NormalizedText;
using text::Segment;
using text::Vocabulary;

namespace {

constexpr std::size_t kMostTextBytes = std::size_t{1} << 30;

struct Role {
  const char* name;
  std::int32_t SpecialTokens::*id;
  std::array<const char*, 4> usual;  // names by which the role is known where a file does not say
};

constexpr std::array kRoles = {
    Role{"bos", &SpecialTokens::bos, {"<s>", "<|begin_of_text|>", "<bos>", "<|endoftext|>"}},
    Role{"eos", &SpecialTokens::eos, {"</s>", "<|end_of_text|>", "<eos>", "<|endoftext|>"}},
    Role{"cls", &SpecialTokens::cls, {"[CLS]", "", "", ""}},
    Role{"sep", &SpecialTokens::sep, {"[SEP]", "", "", ""}},
    Role{"pad", &SpecialTokens::pad, {"[PAD]", "<pad>", "", ""}},
    Role{"unk", &SpecialTokens::unk, {"[UNK]", "<unk>", "", ""}},
    Role{"mask", &SpecialTokens::mask, {"[MASK]", "<mask>", "", ""}},
};

}  // namespace

struct Tokenizer::Impl {
  Impl(text::TokenizerText text, std::string where);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void find_roles(const JsonView& settings);
  TokenizedText tokens_of(std::string_view text, std::int8_t source) const;
  void tokenize_raw(NormalizedText text, std::int8_t source, TokenizedText& out) const;
  void tokenize_normalized(NormalizedText text, std::int8_t source, TokenizedText& out) const;
  TokenizedText post_process(std::vector<TokenizedText> parts, bool add_special) const;
  std::size_t added_count(bool pair) const;
  // How many tokens the text itself may have.
  std::size_t room(const EncodeOptions& options, bool pair) const;

  const std::string& whole() const;

  std::string json, config;  // json: of a tokenizer.json; where `has_tables`, without what the tables hold
  bool has_tables, is_bpe;
  Buffer given_whole;  // the whole of it, where there are tables and it came with them
  mutable std::once_flag made_whole;
  mutable std::string whole_json;
  text::ModelPointer model;
  text::Normalizers normalizers;
  text::PreTokenizers pretokenizers;
  text::AddedTokens added;
  text::TokenTable tokens;
  text::PostProcessors post_processors;
  text::Decoders decoders;
  SpecialTokens special;
};

Tokenizer::Impl::Impl(text::TokenizerText text, std::string where)
    : json(std::move(text.json)),
      config(std::move(text.config)),
      has_tables(text.tables.has_value()),
      given_whole(std::move(text.whole)) {
  const JsonDocument settings(config.empty() ? "{}" : config, where + ": tokenizer_config.json");
  const JsonDocument document(json, where);
  const JsonView described = document.root().at("model");
  is_bpe = text::model_kind(described) == "BPE";
  model = has_tables ? text::make_model(described, *std::move(text.tables)) : text::make_model(described);
  const text::OrderedJson changes =
      text.beside ? text::changes_beside(document.root(), model->vocabulary(), *text.beside, where)
                  : text::OrderedJson::object();
  // What stands in the file as it is keeps its place there in messages.
  const JsonDocument changed(text::dump(changes), where);
  const auto part_of = [&](const char* name) {
    return changes.contains(name) ? changed.root().find(name) : document.root().find(name);
  };
  if (!changes.empty()) json = text::with_members(document.root(), changes);
  if (const auto part = part_of("normalizer")) normalizers = text::make_normalizers(*part);
  if (const auto part = part_of("pre_tokenizer")) pretokenizers = text::make_pretokenizers(*part);
  const bool split_special = settings.root().boolean_or("split_special_tokens", false);
  if (const auto part = part_of("added_tokens"))
    added = text::AddedTokens(*part, model->vocabulary(), normalizers, split_special);
  tokens = text::TokenTable(model->vocabulary(), added);
  if (const auto part = part_of("post_processor"))
    post_processors = text::make_post_processors(*part, tokens);
  if (const auto part = part_of("decoder")) {
    decoders = text::make_decoders(*part);
  } else {
    decoders.push_back(text::make_space_joiner());
  }
  find_roles(settings.root());
}

const std::string& Tokenizer::Impl::whole() const {
  if (!has_tables) return json;
  std::call_once(made_whole, [&] {
    whole_json = given_whole.size() > 0
                     ? std::string(reinterpret_cast<const char*>(given_whole.data()), given_whole.size())
                     : text::whole_json(json, model->tables(), is_bpe);
  });
  return whole_json;
}

void Tokenizer::Impl::find_roles(const JsonView& settings) {
  for (const Role& role : kRoles) {
    std::int32_t& id = special.*role.id;
    // "bos_token": "<s>" or {"content": "<s>", ...}
    if (const auto named = settings.find(std::string(role.name) + "_token"))
      id = tokens.find(named->is_object() ? named->at("content").string() : named->string());
    for (const char* usual : role.usual)
      if (id < 0 && tokens.is_special(tokens.find(usual))) id = tokens.find(usual);
  }
  if (special.unk < 0) special.unk = model->unknown_id();
  for (const text::PostProcessorPointer& stage : post_processors) {
    if (special.bos < 0 && special.cls < 0) special.bos = stage->first_special();
    if (special.eos < 0 && special.sep < 0) special.eos = stage->last_special();
  }
}

namespace {

// Calls added(id, span) and between(piece of the text) for the segments from left to right.
template <class Added, class Between>
void for_each_segment(NormalizedText text, const std::vector<Segment>& segments, Added&& on_added,
                      Between&& on_text) {
  if (segments.size() == 1 && segments.front().id == Vocabulary::kNone) return on_text(std::move(text));
  for (const auto& [span, id] : segments) {
    if (id == Vocabulary::kNone) {
      on_text(text.slice(span.begin, span.end));
    } else {
      on_added(id, span.begin < span.end ? text.original(span.begin, span.end) : text::Span{});
    }
  }
}

}  // namespace

TokenizedText Tokenizer::Impl::tokens_of(std::string_view text, std::int8_t source) const {
  require(text.size() < kMostTextBytes, "tokenizer", "expected a text of less than {} bytes, came {}",
          kMostTextBytes, text.size());
  TokenizedText out;
  NormalizedText whole(text);
  const std::vector<Segment> segments = added.split_raw(whole.text());
  for_each_segment(
      std::move(whole), segments,
      [&](std::int32_t id, text::Span span) { out.push(id, span, source, source, out.next_word()); },
      [&](NormalizedText part) { tokenize_raw(std::move(part), source, out); });
  return out;
}

void Tokenizer::Impl::tokenize_raw(NormalizedText text, std::int8_t source, TokenizedText& out) const {
  text::normalize(normalizers, text);
  const std::vector<Segment> segments = added.split_normalized(text.text());
  for_each_segment(
      std::move(text), segments,
      [&](std::int32_t id, text::Span span) { out.push(id, span, source, source, out.next_word()); },
      [&](NormalizedText part) { tokenize_normalized(std::move(part), source, out); });
}

void Tokenizer::Impl::tokenize_normalized(NormalizedText text, std::int8_t source, TokenizedText& out) const {
  const text::PreTokens pre = text::pretokenize(pretokenizers, std::move(text));
  std::vector<text::ModelToken> found;
  std::int32_t word = out.next_word();
  for (const text::Span& piece : pre.pieces) {
    found.clear();
    if (pre.bytes_pending) {
      model->tokenize_bytes(pre.piece(piece), found);
    } else {
      model->tokenize(pre.piece(piece), found);
    }
    for (const text::ModelToken& token : found)
      out.push(token.id, pre.text.original(piece.begin + token.begin, piece.begin + token.end), source,
               source, word);
    ++word;
  }
}

TokenizedText Tokenizer::Impl::post_process(std::vector<TokenizedText> parts, bool add_special) const {
  for (const text::PostProcessorPointer& stage : post_processors) stage->process(parts, tokens, add_special);
  TokenizedText out = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) out.append(parts[i]);
  return out;
}

std::size_t Tokenizer::Impl::added_count(bool pair) const {
  std::size_t count = 0;
  for (const text::PostProcessorPointer& stage : post_processors) count += stage->added(pair);
  return count;
}

std::size_t Tokenizer::Impl::room(const EncodeOptions& options, bool pair) const {
  if (options.max_tokens == 0) return SIZE_MAX;
  const std::size_t extra = options.add_special ? added_count(pair) : 0;
  if (options.max_tokens < extra)
    fail(ErrorCode::kUsage, "tokenizer",
         "expected at least {} tokens, as many special ones are added, came {}", extra, options.max_tokens);
  return options.max_tokens - extra;
}

Tokenizer Tokenizer::from_source(const TokenizerSource& source) {
  return from_text(text::text_of(source), source.where);
}

Tokenizer Tokenizer::from_json(std::string_view json, std::string_view where, std::string_view config) {
  return from_text({std::string(json), std::string(config), {}, {}, {}}, std::string(where));
}

Tokenizer Tokenizer::from_text(text::TokenizerText text, std::string where) {
  return Tokenizer(std::make_shared<const Impl>(std::move(text), std::move(where)));
}

std::string Tokenizer::tables() const {
  return text::write_tables(impl_->has_tables ? impl_->json : text::settings_of(impl_->json),
                            impl_->model->tables());
}
const std::string& Tokenizer::serialized() const {
  return impl_->whole();
}
const std::string& Tokenizer::config() const {
  return impl_->config;
}

TokenizedText Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const std::size_t room = impl_->room(options, false);
  std::vector<TokenizedText> parts(1, impl_->tokens_of(text, 0));
  parts[0].truncate(room);
  return impl_->post_process(std::move(parts), options.add_special);
}

TokenizedText Tokenizer::encode_pair(std::string_view first, std::string_view second,
                                     const EncodeOptions& options) const {
  const std::size_t room = impl_->room(options, true);
  std::vector<TokenizedText> parts = {impl_->tokens_of(first, 0), impl_->tokens_of(second, 1)};
  if (parts[0].size() + parts[1].size() > room) {
    // The shorter one stays whole while it fits in half the room.
    const bool first_is_longer = parts[0].size() > parts[1].size();
    TokenizedText& longer = parts[first_is_longer ? 0 : 1];
    TokenizedText& shorter = parts[first_is_longer ? 1 : 0];
    shorter.truncate(room / 2);
    longer.truncate(room - shorter.size());
  }
  return impl_->post_process(std::move(parts), options.add_special);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const {
  text::DecoderChain chain(impl_->decoders);
  for (std::int32_t id : ids)
    if (impl_->tokens.has(id) && !(options.skip_special && impl_->tokens.is_special(id)))
      chain.token(impl_->tokens.token(id));
  chain.finish();
  return chain.take();
}

std::int32_t Tokenizer::vocab_size() const {
  return impl_->tokens.end_id();
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const std::int32_t id = impl_->tokens.find(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<std::string_view> Tokenizer::id_to_token(std::int32_t id) const {
  return impl_->tokens.has(id) ? std::optional(impl_->tokens.token(id)) : std::nullopt;
}

bool Tokenizer::is_special(std::int32_t id) const {
  return impl_->tokens.is_special(id);
}
const SpecialTokens& Tokenizer::special() const {
  return impl_->special;
}
std::size_t Tokenizer::added_count(bool pair) const {
  return impl_->added_count(pair);
}
std::string_view Tokenizer::continuing_prefix() const {
  return impl_->model->continuing_prefix();
}

struct StreamDecoder::State {
  std::shared_ptr<const Tokenizer::Impl> tokenizer;
  DecodeOptions options;
  text::DecoderChain chain;
};

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, const DecodeOptions& options)
    : state_(new State{tokenizer.impl_, options, text::DecoderChain(tokenizer.impl_->decoders)}) {}
StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::push(std::int32_t id) {
  const text::TokenTable& tokens = state_->tokenizer->tokens;
  if (!tokens.has(id) || (state_->options.skip_special && tokens.is_special(id))) return {};
  state_->chain.token(tokens.token(id));
  return state_->chain.take();
}

std::string StreamDecoder::finish() {
  state_->chain.finish();
  return state_->chain.take();
}

}  // namespace swiftlet
