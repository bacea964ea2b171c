// UnicodeScripts: cuts where the script changes. The three scripts of Japanese count as one, and spaces
// belong to the script before them.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <memory>

#include "swiftlet/text/pretokenizer.h"

namespace swiftlet::text {
namespace {

// Those that PCRE2 knows (Unicode 14).
constexpr std::array kScripts = {
    "Adlam",
    "Ahom",
    "Anatolian_Hieroglyphs",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Bassa_Vah",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Canadian_Aboriginal",
    "Carian",
    "Caucasian_Albanian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cypro_Minoan",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dives_Akuru",
    "Dogra",
    "Duployan",
    "Egyptian_Hieroglyphs",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gunjala_Gondi",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanifi_Rohingya",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Imperial_Aramaic",
    "Inherited",
    "Inscriptional_Pahlavi",
    "Inscriptional_Parthian",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kayah_Li",
    "Kharoshthi",
    "Khitan_Small_Script",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Linear_A",
    "Linear_B",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Masaram_Gondi",
    "Medefaidrin",
    "Meetei_Mayek",
    "Mende_Kikakui",
    "Meroitic_Cursive",
    "Meroitic_Hieroglyphs",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "New_Tai_Lue",
    "Newa",
    "Nko",
    "Nushu",
    "Nyiakeng_Puachue_Hmong",
    "Ogham",
    "Ol_Chiki",
    "Old_Hungarian",
    "Old_Italic",
    "Old_North_Arabian",
    "Old_Permic",
    "Old_Persian",
    "Old_Sogdian",
    "Old_South_Arabian",
    "Old_Turkic",
    "Old_Uyghur",
    "Oriya",
    "Osage",
    "Osmanya",
    "Pahawh_Hmong",
    "Palmyrene",
    "Pau_Cin_Hau",
    "Phags_Pa",
    "Phoenician",
    "Psalter_Pahlavi",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "SignWriting",
    "Sinhala",
    "Sogdian",
    "Sora_Sompeng",
    "Soyombo",
    "Sundanese",
    "Syloti_Nagri",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Tai_Le",
    "Tai_Tham",
    "Tai_Viet",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Warang_Citi",
    "Yezidi",
    "Yi",
    "Zanabazar_Square",
};
constexpr std::uint8_t kAny = 0;  // a script's number is its place in the list + 1
constexpr char32_t kCodes = 0x110000;

// Asks PCRE2 about every character, once in the life of the process.
std::vector<std::uint8_t> make_script_table() {
  std::string pattern, all;
  for (std::size_t i = 0; i < kScripts.size(); ++i)
    pattern += fmt::format("{}(*MARK:{})\\p{{sc:{}}}+", i ? "|" : "", i + 1, kScripts[i]);
  for (char32_t code = 0; code < kCodes; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    append_utf8(all, code);
  }
  std::vector<std::uint8_t> table(kCodes, kAny);
  int error = 0;
  PCRE2_SIZE position = 0;
  const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> compiled(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                    &error, &position, nullptr),
      pcre2_code_free);
  if (!compiled)
    fail(ErrorCode::kUnsupported, "UnicodeScripts", "PCRE2 does not know the scripts at {}", position);
  pcre2_jit_compile(compiled.get(), PCRE2_JIT_COMPLETE);
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create(1, nullptr), pcre2_match_data_free);
  const PCRE2_SIZE* const found = pcre2_get_ovector_pointer(match.get());
  for (std::size_t at = 0; pcre2_match(compiled.get(), reinterpret_cast<PCRE2_SPTR>(all.data()), all.size(),
                                       at, PCRE2_NO_UTF_CHECK, match.get(), nullptr) > 0;
       at = found[1]) {
    const auto script =
        static_cast<std::uint8_t>(std::atoi(reinterpret_cast<const char*>(pcre2_get_mark(match.get()))));
    for (std::size_t i = found[0]; i < found[1]; i += char_at(all, i).bytes)
      table[char_at(all, i).code] = script;
  }
  return table;
}

std::uint8_t number_of(std::string_view name) {
  for (std::size_t i = 0; i < kScripts.size(); ++i)
    if (kScripts[i] == name) return static_cast<std::uint8_t>(i + 1);
  return kAny;
}

class UnicodeScripts final : public PreTokenizer {
 public:
  UnicodeScripts() {
    static const std::vector<std::uint8_t> table = make_script_table();
    table_ = table.data();
  }

  void apply(PreTokens& tokens) const override {
    std::vector<Span> pieces;
    const std::string_view text = tokens.text.text();
    for (const Span& piece : tokens.pieces) {
      std::uint8_t last = kAny;
      for (std::uint32_t at = piece.begin; at < piece.end;) {
        const Char c = char_at(text, at);
        const std::uint8_t script = script_of(c.code);
        if (script != kAny && script != last) {  // what lies before the first script of all is dropped
          if (last != kAny) pieces.back().end = at;
          pieces.push_back({at, piece.end});
        }
        if (script != kAny) last = script;
        at += c.bytes;
      }
    }
    tokens.pieces.swap(pieces);
  }

 private:
  std::uint8_t script_of(char32_t code) const {
    if (code == ' ') return kAny;
    if (code == 0x30FC) return han_;  // the mark of a long vowel
    const std::uint8_t script = table_[code];
    return script == hiragana_ || script == katakana_ ? han_ : script;
  }

  const std::uint8_t* table_;
  std::uint8_t han_ = number_of("Han"), hiragana_ = number_of("Hiragana"), katakana_ = number_of("Katakana");
};

}  // namespace

PreTokenizerPointer make_unicode_scripts(const JsonView&) {
  return std::make_unique<UnicodeScripts>();
}

}  // namespace swiftlet::text
