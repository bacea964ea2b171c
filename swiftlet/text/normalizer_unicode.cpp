// The Unicode normalization forms NFC, NFD, NFKC, NFKD (Unicode Standard Annex #15).
//
// Decomposition, canonical order and composition are done here rather than by utf8proc_map(), because every
// resulting character must know the place it came from: the first of a decomposition stands for the old
// character, the others are insertions behind it; a composition is the place of its first part.
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "swiftlet/text/normalizer.h"

namespace swiftlet::text {
namespace {

// A character of the result. `change`: 1 inserted, 0 stands for one old character, -n stands for one and
// swallows the n that follow.
struct Item {
  char32_t code;
  int change;
  int combining_class;
};

int combining_class(char32_t code) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
}

void decompose(char32_t code, bool compatible, std::vector<Item>& out) {
  std::array<utf8proc_int32_t, 32> parts;
  int boundary = 0;
  const int options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts.data(), parts.size(),
                              static_cast<utf8proc_option_t>(options), &boundary);
  if (count <= 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
    out.push_back({code, 0, combining_class(code)});
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto part = static_cast<char32_t>(parts[static_cast<std::size_t>(i)]);
    out.push_back({part, i == 0 ? 0 : 1, combining_class(part)});
  }
}

void sort_marks(std::vector<Item>& items) {
  for (auto first = items.begin(); first != items.end();) {
    if (first->combining_class == 0) {
      ++first;
      continue;
    }
    const auto last = std::find_if(first, items.end(), [](const Item& i) { return i.combining_class == 0; });
    std::stable_sort(first, last,
                     [](const Item& a, const Item& b) { return a.combining_class < b.combining_class; });
    first = last;
  }
}

// The canonical composition of two characters, or 0.
char32_t compose_pair(char32_t a, char32_t b) {
  std::array<utf8proc_int32_t, 2> pair = {static_cast<utf8proc_int32_t>(a), static_cast<utf8proc_int32_t>(b)};
  const int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(pair.data(), 2, static_cast<utf8proc_option_t>(options));
  return count == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

void compose(std::vector<Item>& items) {
  std::vector<Item> out;
  std::size_t starter = 0;
  bool has_starter = false;
  for (const Item& item : items) {
    const bool adjacent = has_starter && out.size() == starter + 1;
    // A mark is blocked from the starter by one of the same or a higher class in between.
    const bool open = adjacent || (has_starter && out.back().combining_class < item.combining_class);
    const char32_t composed = open ? compose_pair(out[starter].code, item.code) : 0;
    if (composed) {
      out[starter].code = composed;
      out[starter].change += item.change - 1;
      continue;
    }
    out.push_back(item);
    if (item.combining_class == 0) {
      starter = out.size() - 1;
      has_starter = true;
    }
  }
  items.swap(out);
}

class UnicodeForm final : public Normalizer {
 public:
  UnicodeForm(bool composed, bool compatible) : composed_(composed), compatible_(compatible) {}

  void normalize(NormalizedText& text) const override {
    if (is_ascii(text.text())) return;
    Rewrite rewrite(text);
    const std::string_view old = rewrite.old();
    for (std::size_t at = 0; at < old.size();) {
      const std::size_t plain = ascii_run(old, at);
      rewrite.keep(at, plain);
      at = plain;
      const std::size_t end = other_run(old, at);
      rewrite_run(rewrite, at, end);
      at = end;
    }
    rewrite.finish();
  }

 private:
  // ASCII never changes, but for its last character, which may compose with what follows.
  static std::size_t ascii_run(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && static_cast<std::uint8_t>(text[end]) < 0x80) ++end;
    return end < text.size() && end > at ? end - 1 : end;
  }
  static std::size_t other_run(std::string_view text, std::size_t at) {
    if (at < text.size() && static_cast<std::uint8_t>(text[at]) < 0x80) ++at;
    while (at < text.size() && static_cast<std::uint8_t>(text[at]) >= 0x80) ++at;
    return at;
  }

  void rewrite_run(Rewrite& rewrite, std::size_t begin, std::size_t end) const {
    const std::string_view old = rewrite.old();
    std::vector<Item> items;
    for (std::size_t at = begin; at < end;) {
      const Char c = char_at(old, at);
      decompose(c.code, compatible_, items);
      at += c.bytes;
    }
    sort_marks(items);
    if (composed_) compose(items);
    std::size_t at = begin;
    for (const Item& item : items) {
      if (item.change > 0) {
        rewrite.put(item.code, at > 0 ? at - 1 : 0);
        continue;
      }
      const std::size_t like = std::min(at, end - 1);
      std::size_t replaced = 0;
      for (int i = 0; i <= -item.change && at < end; ++i) {
        replaced += char_at(old, at).bytes;
        at += char_at(old, at).bytes;
      }
      rewrite.put(item.code, like, item.change == 0 ? replaced : 0);
    }
  }

  bool composed_, compatible_;
};

}  // namespace

void to_nfd(NormalizedText& text) {
  UnicodeForm(false, false).normalize(text);
}

NormalizerPointer make_nfc(const JsonView&) {
  return std::make_unique<UnicodeForm>(true, false);
}
NormalizerPointer make_nfd(const JsonView&) {
  return std::make_unique<UnicodeForm>(false, false);
}
NormalizerPointer make_nfkc(const JsonView&) {
  return std::make_unique<UnicodeForm>(true, true);
}
NormalizerPointer make_nfkd(const JsonView&) {
  return std::make_unique<UnicodeForm>(false, true);
}

}  // namespace swiftlet::text
