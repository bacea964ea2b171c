#include "swiftlet/text/vocab_merges.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/text/byte_level_patterns.h"
#include "swiftlet/text/json_view.h"

namespace swiftlet::text {
namespace {

enum class Words { kGpt2, kQwen2, kClip, kBert };
enum class Around { kNothing, kRoberta, kTemplate };

// What a class of transformers does. Roles: name and token, for files that do not name them.
struct Class {
  std::string_view name;
  Words words = Words::kGpt2;
  Around around = Around::kNothing;
  bool nfc = false;
  const char *single = "", *pair = "";
  std::array<const char*, 7> roles = {};  // bos, eos, unk, sep, cls, pad, mask
};

constexpr const char* kEnd = "<|endoftext|>";
constexpr std::array kRoleNames = {"bos", "eos", "unk", "sep", "cls", "pad", "mask"};
constexpr Class kClasses[] = {
    {.name = "GPT2", .roles = {kEnd, kEnd, kEnd}},
    {.name = "CodeGen", .roles = {kEnd, kEnd, kEnd}},
    {.name = "GPTNeoX", .nfc = true, .roles = {kEnd, kEnd, kEnd}},
    {.name = "Qwen2",
     .words = Words::kQwen2,
     .nfc = true,
     .roles = {nullptr, kEnd, nullptr, nullptr, nullptr, kEnd}},
    {.name = "Roberta",
     .around = Around::kRoberta,
     .roles = {"<s>", "</s>", "<unk>", "</s>", "<s>", "<pad>", "<mask>"}},
    {.name = "Bart",
     .around = Around::kRoberta,
     .roles = {"<s>", "</s>", "<unk>", "</s>", "<s>", "<pad>", "<mask>"}},
    {.name = "Longformer",
     .around = Around::kRoberta,
     .roles = {"<s>", "</s>", "<unk>", "</s>", "<s>", "<pad>", "<mask>"}},
    {.name = "LED",
     .around = Around::kRoberta,
     .roles = {"<s>", "</s>", "<unk>", "</s>", "<s>", "<pad>", "<mask>"}},
    {.name = "Deberta",
     .around = Around::kTemplate,
     .single = "(cls) A (sep)",
     .pair = "(cls) A (sep) B:1 (sep):1",
     .roles = {"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[CLS]", "[PAD]", "[MASK]"}},
    {.name = "CLIP",
     .words = Words::kClip,
     .around = Around::kTemplate,
     .single = "(bos) A (eos)",
     .pair = "(bos) A (eos) (eos) B (eos)",
     .roles = {"<|startoftext|>", kEnd, kEnd, nullptr, nullptr, kEnd}},
    {.name = "OpenAIGPT", .words = Words::kBert, .roles = {nullptr, nullptr, "<unk>"}},
};

const Class& find_class(const std::string& name, const std::string& where) {
  if (name.empty() || name == "PreTrained" || name == "TokenizersBackend") return kClasses[0];
  std::string known;
  for (const Class& one : kClasses) {
    if (one.name == name) return one;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", one.name);
  }
  fail(ErrorCode::kUnsupported, where,
       "expected a tokenizer of a class that is known ({}), came {}Tokenizer: save it as tokenizer.json with "
       "transformers",
       known, name);
}

// f(left, right, line) for the lines "left right".
template <class F>
void each_merge(std::string_view merges, const std::string& where, F&& f) {
  std::size_t line = 0;
  for (std::size_t at = 0; at < merges.size();) {
    const std::size_t end = std::min(merges.find('\n', at), merges.size());
    std::string_view text = merges.substr(at, end - at);
    at = end + 1;
    ++line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty() || (line == 1 && text.starts_with("#version"))) continue;
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == text.size() ||
        text.find(' ', space + 1) != std::string_view::npos ||
        !simdjson::validate_utf8(text.data(), text.size()))
      fail(ErrorCode::kInvalid, fmt::format("{}: line {}", where, line),
           "expected two tokens with one space between, came {}", shown(text));
    f(text.substr(0, space), text.substr(space + 1), line);
  }
}

MergeTable read_merges(std::string_view merges, const Vocabulary& vocabulary, const std::string& where) {
  MergeTable table(static_cast<std::size_t>(std::count(merges.begin(), merges.end(), '\n')) + 1);
  std::uint32_t rank = 0;
  std::string joined;
  each_merge(merges, where, [&](std::string_view left, std::string_view right, std::size_t line) {
    const auto id_of = [&](std::string_view token) {
      const std::int32_t id = vocabulary.find(token);
      if (id == Vocabulary::kNone)
        fail(ErrorCode::kInvalid, fmt::format("{}: line {}", where, line),
             "names the token {}, which the vocabulary lacks", shown(token));
      return id;
    };
    joined.assign(left).append(right);
    table.set(id_of(left), id_of(right), {rank++, id_of(joined)});
  });
  return table;
}

OrderedJson pre_tokenizer(const Class& one, bool prefix_space) {
  switch (one.words) {
    case Words::kGpt2:
      return byte_level_json(prefix_space, true, true);
    case Words::kQwen2:
      return sequence_json("pretokenizers",
                           {split_json(kQwen2Pattern), byte_level_json(prefix_space, false, true)});
    case Words::kClip: {
      OrderedJson split = split_json(kClipPattern);
      split["behavior"] = "Removed";
      split["invert"] = true;
      return sequence_json("pretokenizers", {split, byte_level_json(false, true, true)});
    }
    case Words::kBert:
      return {{"type", "BertPreTokenizer"}};
  }
  return nullptr;
}

OrderedJson normalizer(const Class& one) {
  if (one.words == Words::kClip)
    return sequence_json("normalizers",
                         {{{"type", "NFC"}}, replace_json("\\s+", " ", true), {{"type", "Lowercase"}}});
  if (one.words == Words::kBert)
    return {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}};
  return one.nfc ? OrderedJson{{"type", "NFC"}} : OrderedJson();
}

OrderedJson post_processor(const Class& one, const TokenSettings& settings, const Vocabulary& vocabulary,
                           const OrderedJson& added, bool prefix_space, const std::string& where) {
  const auto id_of = [&](const std::string& token) {
    return TokenSettings::id_of(token, vocabulary, added, where);
  };
  if (one.around == Around::kRoberta) {
    const std::string sep = settings.role_or("sep", ""), cls = settings.role_or("cls", "");
    return {{"type", "RobertaProcessing"},
            {"sep", {sep, id_of(sep)}},
            {"cls", {cls, id_of(cls)}},
            {"trim_offsets", settings.flag_or("trim_offsets", true)},
            {"add_prefix_space", prefix_space}};
  }
  if (one.around == Around::kNothing) return settings.around_texts(false, vocabulary, added, where);
  return template_processing(settings.with_tokens(one.single), settings.with_tokens(one.pair), id_of);
}

}  // namespace

TokenizerText convert_vocab_merges(std::string_view vocab, std::string_view merges,
                                   const TokenSettings& given, const std::string& where,
                                   const std::string& merges_where) {
  const Class& one = find_class(given.kind(), where);
  const JsonDocument document(vocab, where);
  Vocabulary vocabulary = read_vocabulary(document.root());
  TokenSettings settings = given;
  for (std::size_t i = 0; i < kRoleNames.size(); ++i)
    if (const char* const token = one.roles[i]; token && vocabulary.find(token) != Vocabulary::kNone)
      settings.set_default_role(
          kRoleNames[i], NamedToken{.content = token, .lstrip = kRoleNames[i] == std::string_view("mask")});
  const OrderedJson added = settings.added_tokens(vocabulary, {});
  const bool prefix_space = settings.flag_or("add_prefix_space", false);
  TokenizerParts parts;
  parts.added_tokens = added;
  parts.normalizer = normalizer(one);
  parts.pre_tokenizer = pre_tokenizer(one, prefix_space);
  parts.post_processor = post_processor(one, settings, vocabulary, added, prefix_space, where);
  parts.decoder = one.words == Words::kBert ? OrderedJson{{"type", "BPEDecoder"}, {"suffix", "</w>"}}
                                            : byte_level_json(true, true, true);
  const bool suffix = one.words == Words::kBert || one.words == Words::kClip;
  const bool unknown = suffix && settings.role("unk") && vocabulary.find(settings.role("unk")->content) >= 0;
  ModelWriter writer({{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", unknown ? OrderedJson(settings.role("unk")->content) : OrderedJson()},
                      {"continuing_subword_prefix", ""},
                      {"end_of_word_suffix", suffix ? "</w>" : ""},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", false}});
  MergeTable table = read_merges(merges, vocabulary, merges_where);
  writer.vocabulary(std::move(vocabulary));
  writer.merges(std::move(table));
  return writer.finish(parts, settings.config());
}

}  // namespace swiftlet::text
