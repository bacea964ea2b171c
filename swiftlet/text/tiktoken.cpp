#include "swiftlet/text/tiktoken.h"

#include <algorithm>
#include <charconv>

#include "swiftlet/core/error.h"
#include "swiftlet/text/base64.h"
#include "swiftlet/text/byte_level.h"
#include "swiftlet/text/byte_level_patterns.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/unicode.h"

namespace swiftlet::text {
namespace {

// Those of Llama 3 begin right behind the ranks; the unnamed ones are reserved.
constexpr const char* kLlama3Special[] = {"<|begin_of_text|>",
                                          "<|end_of_text|>",
                                          "<|reserved_special_token_0|>",
                                          "<|reserved_special_token_1|>",
                                          "<|finetune_right_pad_id|>",
                                          "<|reserved_special_token_2|>",
                                          "<|start_header_id|>",
                                          "<|end_header_id|>",
                                          "<|eom_id|>",
                                          "<|eot_id|>",
                                          "<|python_tag|>"};
constexpr int kLlama3SpecialCount = 256;
constexpr const char* kQwenSpecial[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
constexpr int kQwenExtraCount = 205;  // <|extra_0|> to <|extra_204|>

// The ids are the ranks. The tokens are written in the byte alphabet.
Vocabulary read_ranks(std::string_view bytes, const std::string& where) {
  const auto lines = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 1;
  Vocabulary vocabulary;
  vocabulary.reserve(lines, bytes.size());
  std::string written;
  std::size_t line = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    std::string_view text = bytes.substr(at, end - at);
    at = end + 1;
    ++line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) continue;
    const auto place = [&] { return fmt::format("{}: line {}", where, line); };
    const std::size_t space = text.find(' ');
    const std::optional<std::string> token = decode_base64(text.substr(0, space));
    if (space == std::string_view::npos || !token || token->empty())
      fail(ErrorCode::kInvalid, place(), "expected a token in base64, a space and its rank, came {}",
           shown(text));
    std::int32_t rank = 0;
    const auto [stop, error] = std::from_chars(text.data() + space + 1, text.data() + text.size(), rank);
    const std::int64_t highest = Vocabulary::highest_id(lines);
    if (error != std::errc() || stop != text.data() + text.size() || rank < 0 || rank > highest)
      fail(ErrorCode::kInvalid, place(), "expected a rank from 0 to {}, came {}", highest,
           shown(text.substr(space + 1)));
    written.clear();
    for (const char byte : *token)
      append_utf8(written, kByteAlphabet.character[static_cast<std::uint8_t>(byte)]);
    if (!vocabulary.add(written, rank))
      fail(ErrorCode::kInvalid, place(), "expected every token and every rank once, came {} again",
           shown(text));
  }
  require(vocabulary.count() > 0, where,
          "expected a token in base64 and its rank on every line, came no line");
  return vocabulary;
}

// The tokens behind the ranks, in order.
std::vector<NamedToken> special_tokens(bool qwen) {
  std::vector<NamedToken> tokens;
  if (qwen) {
    for (const char* name : kQwenSpecial) tokens.push_back({.content = name});
    for (int i = 0; i < kQwenExtraCount; ++i) tokens.push_back({.content = fmt::format("<|extra_{}|>", i)});
    return tokens;
  }
  for (const char* name : kLlama3Special) tokens.push_back({.content = name});
  for (int i = 3; tokens.size() < kLlama3SpecialCount; ++i)
    tokens.push_back({.content = fmt::format("<|reserved_special_token_{}|>", i)});
  return tokens;
}

}  // namespace

TokenizerText convert_tiktoken(std::string_view bytes, const TokenSettings& settings,
                               const std::string& where) {
  Vocabulary vocabulary = read_ranks(bytes, where);
  TokenSettings found = settings;
  const bool qwen = settings.kind() == "QWen" || settings.kind() == "Qwen";
  const OrderedJson added = settings.added_tokens(
      vocabulary, settings.has_ids() ? std::vector<NamedToken>() : special_tokens(qwen));
  TokenizerParts parts;
  parts.added_tokens = added;
  parts.normalizer = qwen ? OrderedJson{{"type", "NFC"}} : OrderedJson();
  parts.pre_tokenizer = sequence_json("pretokenizers", {split_json(qwen ? kQwen2Pattern : kLlama3Pattern),
                                                        byte_level_json(false, false, true)});
  parts.post_processor = byte_level_json(true, true, false);
  if (qwen) {
    found.set_default_role("eos", "<|endoftext|>");
  } else {
    found.set_default_role("bos", "<|begin_of_text|>");
    found.set_default_role("eos", "<|end_of_text|>");
    const std::string bos = found.role("bos")->content;
    if (found.flag_or("add_bos_token", true))
      parts.post_processor = sequence_json(
          "processors", {parts.post_processor,
                         template_processing(bos + " A", fmt::format("{0} A {0}:1 B:1", bos),
                                             [&](const std::string& token) {
                                               return TokenSettings::id_of(token, vocabulary, added, where);
                                             })});
  }
  parts.decoder = byte_level_json(true, true, true);
  ModelWriter writer({{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", true}});
  std::vector<std::int32_t> order;
  for (std::int32_t id = 0; id < vocabulary.end_id(); ++id)
    if (vocabulary.has(id)) order.push_back(id);
  MergeTable merges = derive_merges(vocabulary, order);
  writer.vocabulary(std::move(vocabulary));
  writer.merges(std::move(merges));
  return writer.finish(parts, found.config());
}

}  // namespace swiftlet::text
