// Precompiled: the table of replacements that a SentencePiece model carries (charsmap), applied as the
// reference does: to whole grapheme clusters of less than 6 bytes where the table knows a beginning of one,
// else to their characters.
//
// The table: u32 size of a trie, the trie in u32 units (darts-clone: label, offset and a leaf flag in one),
// then the replacements, each ended by a zero byte. A leaf's value is the place of its replacement. All
// integers are little-endian.
#include <simdjson.h>
#include <utf8proc.h>

#include <array>
#include <cstring>
#include <optional>

#include "swiftlet/text/base64.h"
#include "swiftlet/text/char_rewrite.h"
#include "swiftlet/text/normalizer.h"

namespace swiftlet::text {
namespace {

class CharsMap {
 public:
  CharsMap(std::string_view bytes, const JsonView& json) {
    if (bytes.empty()) return;
    std::uint32_t trie_bytes = 0;
    if (bytes.size() < sizeof trie_bytes)
      json.invalid("expected a table of at least 4 bytes, came {}", bytes.size());
    std::memcpy(&trie_bytes, bytes.data(), sizeof trie_bytes);
    bytes.remove_prefix(sizeof trie_bytes);
    if (trie_bytes % 4 != 0 || trie_bytes > bytes.size())
      json.invalid("expected a trie of at most {} bytes in whole units of 4, came one of {}", bytes.size(),
                   trie_bytes);
    units_.resize(trie_bytes / 4);
    if (trie_bytes > 0) std::memcpy(units_.data(), bytes.data(), trie_bytes);
    replacements_ = bytes.substr(trie_bytes);
    if (!simdjson::validate_utf8(replacements_)) json.invalid("expected replacements in UTF-8");
  }

  // The replacement for the shortest beginning of `text` that the table knows.
  std::optional<std::string_view> find(std::string_view text) const {
    if (units_.empty()) return std::nullopt;
    std::size_t node = offset(units_[0]);
    for (const char c : text) {
      const auto byte = static_cast<std::uint8_t>(c);
      node ^= byte;
      if (byte == 0 || node >= units_.size() || label(units_[node]) != byte) return std::nullopt;
      const std::uint32_t unit = units_[node];
      node ^= offset(unit);
      if (has_leaf(unit)) return node < units_.size() ? replacement(units_[node] & 0x7FFFFFFF) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  static std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FF; }
  static bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
  static std::size_t offset(std::uint32_t unit) {
    return static_cast<std::size_t>(unit >> 10) << ((unit & 0x200) >> 6);
  }
  std::optional<std::string_view> replacement(std::size_t place) const {
    if (place >= replacements_.size() || is_continuation_byte(replacements_[place])) return std::nullopt;
    const std::size_t end = std::min(replacements_.find('\0', place), replacements_.size());
    return std::string_view(replacements_).substr(place, end - place);
  }

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

CharsMap read_charsmap(const JsonView& json) {
  const JsonView table = json.at("precompiled_charsmap");
  const std::optional<std::string> bytes = decode_base64(table.string());
  if (!bytes) table.invalid("expected base64, came {}", shown(table.string()));
  return CharsMap(*bytes, table);
}

class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(const JsonView& json) : map_(read_charsmap(json)) {
    for (std::size_t byte = 0; byte < plain_.size(); ++byte) {
      const char c = static_cast<char>(byte);
      plain_[byte] = c != '\r' && !map_.find({&c, 1});  // \r may be one with what follows
    }
  }

  void normalize(NormalizedText& text) const override {
    if (plain_run(text.text(), 0) == text.text().size()) return;
    Rewrite rewrite(text);
    CharRewrite chars(rewrite);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size();) {
      if (const std::size_t end = plain_run(old, at); end > at) {
        chars.keep(at, end);
        at = end;
        continue;
      }
      const std::size_t end = cluster_end(old, at);
      rewrite_cluster(old.substr(at, end - at), chars);
      at = end;
    }
    chars.finish();
    rewrite.finish();
  }

 private:
  // ASCII that is not replaced and stands before ASCII: nothing can combine with it.
  std::size_t plain_run(std::string_view text, std::size_t at) const {
    const auto ascii = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]) < 0x80; };
    while (at < text.size() && ascii(at) && plain_[static_cast<std::uint8_t>(text[at])] &&
           (at + 1 == text.size() || ascii(at + 1)))
      ++at;
    return at;
  }

  static std::size_t cluster_end(std::string_view text, std::size_t at) {
    utf8proc_int32_t state = 0;
    Char previous = char_at(text, at);
    for (at += previous.bytes; at < text.size();) {
      const Char c = char_at(text, at);
      if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous.code),
                                           static_cast<utf8proc_int32_t>(c.code), &state))
        break;
      previous = c;
      at += c.bytes;
    }
    return at;
  }

  void rewrite_cluster(std::string_view cluster, CharRewrite& chars) const {
    constexpr std::size_t kMostBytes = 5;
    if (cluster.size() <= kMostBytes)
      if (const auto with = map_.find(cluster))
        return chars.replace(static_cast<int>(count_chars(cluster)), *with);
    for (std::size_t at = 0; at < cluster.size();) {
      const Char c = char_at(cluster, at);
      if (const auto with = map_.find(cluster.substr(at, c.bytes))) {
        chars.replace(1, *with);
      } else {
        chars.put(c.code, 0);
      }
      at += c.bytes;
    }
  }

  CharsMap map_;
  std::array<bool, 128> plain_;
};

}  // namespace

NormalizerPointer make_precompiled(const JsonView& json) {
  return std::make_unique<Precompiled>(json);
}

}  // namespace swiftlet::text
