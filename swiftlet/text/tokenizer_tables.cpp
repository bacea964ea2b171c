#include "swiftlet/text/tokenizer_tables.h"

#include <array>
#include <cstring>

#include "swiftlet/core/error.h"

namespace swiftlet::text {
namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 't', 'a', 'b', 'l', 'e', 's'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kAlignment = 64;

// In the order in which they stand in the blob.
enum Section : std::uint32_t { kSettings, kText, kEntries, kSlots, kMerges, kScores, kTrie, kSections };

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t sections = kSections;
  std::array<std::uint64_t, kSections> bytes{};
};

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Hands out the sections one after the other.
class Reader {
 public:
  Reader(const Buffer& blob, const Header& header, std::string where)
      : blob_(blob), header_(header), where_(std::move(where)), at_(aligned(sizeof(Header))) {}

  template <class T>
  FlatTable<T> next() {
    const std::uint64_t bytes = header_.bytes[section_];
    require(at_ <= blob_.size() && bytes <= blob_.size() - at_ && bytes % sizeof(T) == 0, where_,
            "expected table {} inside {} bytes, came {} bytes from {} on", section_, blob_.size(), bytes,
            at_);
    const Buffer slice = blob_.slice(at_, static_cast<std::size_t>(bytes));
    at_ += aligned(static_cast<std::size_t>(bytes));
    ++section_;
    return bytes == 0 ? FlatTable<T>() : FlatTable<T>(slice);
  }

 private:
  const Buffer& blob_;
  const Header& header_;
  std::string where_;
  std::size_t at_, section_ = 0;
};

Header header_of(const Buffer& blob, const std::string& where) {
  Header header;
  require(blob.size() >= sizeof header, where, "expected tables of a tokenizer, came {} bytes", blob.size());
  std::memcpy(&header, blob.data(), sizeof header);
  require(header.magic == kMagic, where, "expected tables of a tokenizer, came something else");
  return header;
}

}  // namespace

std::string write_tables(std::string_view settings, const ModelTables& tables) {
  const std::span settings_bytes(settings.data(), settings.size());
  const std::array<std::span<const std::byte>, kSections> sections = {
      std::as_bytes(settings_bytes),       tables.vocabulary.text().bytes(),
      tables.vocabulary.entries().bytes(), tables.vocabulary.slots().bytes(),
      tables.merges.slots().bytes(),       tables.scores.bytes(),
      tables.trie.nodes().bytes()};
  Header header;
  for (std::size_t i = 0; i < sections.size(); ++i) header.bytes[i] = sections[i].size();
  std::string blob(reinterpret_cast<const char*>(&header), sizeof header);
  for (const auto& section : sections) {
    blob.resize(aligned(blob.size()));
    blob.append(reinterpret_cast<const char*>(section.data()), section.size());
  }
  return blob;
}

std::string settings_of(const std::string& json) {
  const JsonDocument document(json, "tokenizer");
  std::string text = "{";
  const auto put = [&](std::string_view key, std::string_view value) {
    append_json_member(text, key, value);
  };
  for (const auto& [key, value] : document.root().object())
    if (key != "model") put(key, simdjson::minify(value));
  const JsonView model = document.root().at("model");
  put("model", "{");
  put("type", fmt::format("\"{}\"", model_kind(model)));
  for (const auto& [key, value] : model.object())
    if (key != "type" && key != "vocab" && key != "merges") put(key, simdjson::minify(value));
  return text + "}}";
}

TokenizerText read_tables(const TokenizerSource& source) {
  const std::string where = source.where + ": tables";
  const std::string config = source.config.empty() ? "" : source.config.dump();
  const Header header = header_of(source.tables, where);
  if (header.version != kVersion || header.sections != kSections)
    return {std::string(source.text()), config, {}, {}, {}};
  Reader reader(source.tables, header, where);
  const FlatTable<char> settings = reader.next<char>();
  auto text = reader.next<char>();
  auto entries = reader.next<Vocabulary::Entry>();
  auto slots = reader.next<Vocabulary::Slot>();
  auto merges = reader.next<MergeTable::Slot>();
  auto scores = reader.next<double>();
  auto trie = reader.next<TokenTrie::Node>();
  ModelTables tables;
  tables.vocabulary = Vocabulary(std::move(text), std::move(entries), std::move(slots), where);
  const auto tokens = static_cast<std::size_t>(tables.vocabulary.end_id());
  if (!merges.empty()) tables.merges = MergeTable(std::move(merges), tables.vocabulary, where);
  require(scores.empty() || (scores.size() == tokens && tables.vocabulary.count() == tokens), where,
          "expected a score of each of {} tokens, came {}", tokens, scores.size());
  require(scores.empty() || !trie.empty(), where, "expected a trie of the tokens");
  tables.scores = std::move(scores);
  if (!trie.empty()) tables.trie = TokenTrie(std::move(trie), tables.scores.size(), where);
  return {std::string(settings.data(), settings.size()), config, std::move(tables), source.bytes, {}};
}

}  // namespace swiftlet::text
