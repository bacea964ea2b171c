// Whole tokenizers against what the field's own package answers (tests/data/README.md).
#include "swiftlet/text/tokenizer.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "swiftlet/core/csv.h"
#include "swiftlet/core/file.h"
#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/sha256.h"
#include "swiftlet/io/tokenizer_source.h"
#include "swiftlet/text/text_testing.h"

namespace swiftlet {
namespace {

using text::data_path;
using text::error_of;
using text::load_tokenizer;
using Ids = std::vector<std::int32_t>;
using Json = nlohmann::json;

struct Known {
  const char* name;  // of the folder of goldens
  const char*
      tokenizer;  // beneath the repository, or beneath $SWIFTLET_DATA_DIR when it begins with a dollar
};

std::ostream& operator<<(std::ostream& out, const Known& known) {
  return out << known.name;
}

class Golden : public testing::TestWithParam<Known> {
 protected:
  void SetUp() override {
    std::string path = GetParam().tokenizer;
    if (path.front() == '$') {
      const char* const folder = std::getenv("SWIFTLET_DATA_DIR");
      if (!folder) GTEST_SKIP() << "SWIFTLET_DATA_DIR is not set: no " << path.substr(1);
      path = folder + path.substr(1);
    } else {
      path = data_path(path);
    }
    tokenizer_.emplace(load_tokenizer(path));
  }
  std::optional<Tokenizer> tokenizer_;
};

std::vector<Json> golden_lines(const std::string& name) {
  std::ifstream file(data_path("tests/data/tokenizers/" + name + "/golden.jsonl"));
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  EXPECT_GT(lines.size(), 100u);
  return lines;
}

// Goldens count characters, we count bytes.
std::vector<text::Span> byte_offsets(const std::string& text, const Json& offsets) {
  std::vector<std::uint32_t> starts;
  for (std::uint32_t at = 0; at <= text.size(); ++at)
    if (at == text.size() || !text::is_continuation_byte(text[at])) starts.push_back(at);
  std::vector<text::Span> out;
  for (const Json& pair : offsets) out.push_back({starts.at(pair[0]), starts.at(pair[1])});
  return out;
}

void expect_golden(const Tokenizer& tokenizer, const Json& line) {
  const auto text = line["text"].get<std::string>();
  SCOPED_TRACE(text);
  const TokenizedText encoded = tokenizer.encode(text);
  EXPECT_EQ(encoded.ids, line["ids"].get<Ids>());
  EXPECT_EQ(tokenizer.encode(text, {.add_special = false}).ids, line["ids_no_special"].get<Ids>());
  EXPECT_EQ(encoded.offsets, byte_offsets(text, line["offsets"]));
  EXPECT_EQ(tokenizer.decode(encoded.ids), line["decoded"].get<std::string>());
  EXPECT_EQ(tokenizer.decode(encoded.ids, {.skip_special = false}),
            line["decoded_special"].get<std::string>());
}

TEST_P(Golden, TortureTexts) {
  for (const Json& line : golden_lines(GetParam().name)) expect_golden(*tokenizer_, line);
}

TEST_P(Golden, SerializedTextMakesTheSameTokenizer) {
  const Tokenizer again = Tokenizer::from_json(tokenizer_->serialized(), "copy", tokenizer_->config());
  EXPECT_EQ(again.serialized(), tokenizer_->serialized());
  EXPECT_EQ(again.special(), tokenizer_->special());
  EXPECT_EQ(again.vocab_size(), tokenizer_->vocab_size());
  for (const Json& line : golden_lines(GetParam().name)) expect_golden(again, line);
}

TEST_P(Golden, StreamsWhatDecodeSays) {
  for (const Json& line : golden_lines(GetParam().name)) {
    for (const bool skip_special : {true, false}) {
      const auto ids = line["ids"].get<Ids>();
      StreamDecoder stream(*tokenizer_, {skip_special});
      std::string out;
      for (const std::int32_t id : ids) {
        const std::string part = stream.push(id);
        EXPECT_NO_THROW(Json(part).dump()) << "half a character in " << line["text"];  // dump() wants UTF-8
        out += part;
      }
      EXPECT_EQ(out + stream.finish(), tokenizer_->decode(ids, {skip_special}));
    }
  }
}

// The ids of a set of texts as tests/data/README.md writes them.
class SetHash {
 public:
  SetHash(const Tokenizer& tokenizer, bool add_special) : tokenizer_(tokenizer), add_special_(add_special) {}
  void add(std::string_view text) {
    std::string line;
    for (const std::int32_t id : tokenizer_.encode(text, {add_special_}).ids) {
      fmt::format_to(std::back_inserter(line), "{}{}", line.empty() ? "" : " ", id);
      ++ids_;
    }
    hash_.update(line + "\n");
    ++texts_;
  }
  Json finish() { return {{"texts", texts_}, {"ids", ids_}, {"sha256", hash_.finish()}}; }

 private:
  const Tokenizer& tokenizer_;
  bool add_special_;
  Sha256 hash_;
  std::size_t texts_ = 0, ids_ = 0;
};

Json whole_sets(const std::string& name) {
  return Json::parse(read_text_file(data_path("tests/data/tokenizers/whole_sets.json")))["tokenizers"][name];
}

TEST_P(Golden, AllOfStsbDev) {
  for (const bool special : {true, false}) {
    SetHash hash(*tokenizer_, special);
    CsvReader reader(data_path("assets/stsb/dev.csv"));
    for (std::vector<std::string> row; reader.next(row);) {
      hash.add(row.at(0));
      hash.add(row.at(1));
    }
    EXPECT_EQ(hash.finish(), whole_sets(GetParam().name)["stsb_dev"][special ? "special" : "no_special"]);
  }
}

TEST_P(Golden, AllOfTheStories) {
  for (const bool special : {true, false}) {
    SetHash hash(*tokenizer_, special);
    LineReader reader(data_path("assets/text/stories-valid.txt.gz"));
    for (std::string line; reader.next(line);) hash.add(line);
    EXPECT_EQ(hash.finish(),
              whole_sets(GetParam().name)["stories_valid"][special ? "special" : "no_special"]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tokenizer, Golden,
    testing::Values(Known{"bert-uncased", "tests/data/tokenizers/bert-uncased/tokenizer.json"},
                    Known{"stories-7m", "assets/stories-7m/tokenizer.json"},
                    Known{"stories260k", "tests/data/tokenizers/stories260k/tokenizer.json"},
                    Known{"small-unigram", "tests/data/tokenizers/small-unigram/tokenizer.json"},
                    Known{"small-unigram", "tests/data/tokenizers/small-unigram/spiece.model"},
                    Known{"small-fallback", "tests/data/tokenizers/small-fallback/spiece.model"},
                    Known{"small-bpe", "tests/data/tokenizers/small-bpe/tokenizer.model"},
                    Known{"small-fallback", "tests/data/tokenizers/small-fallback/tokenizer.json"},
                    Known{"small-bpe", "tests/data/tokenizers/small-bpe/tokenizer.json"},
                    Known{"t5", "$/tokenizers/t5/tokenizer.json"},
                    Known{"gpt2", "$/tokenizers/gpt2/tokenizer.json"}),
    [](const auto& instance) {
      std::string name = instance.param.name;
      if (!std::string_view(instance.param.tokenizer).ends_with(".json")) name += "_model";
      std::erase(name, '-');
      return name;
    });

TEST(Tokenizer, VocabTxtIsTheSameBert) {
  const Tokenizer bert = load_tokenizer(data_path("tests/data/tokenizers/bert-uncased/vocab.txt"));
  for (const Json& line : golden_lines("bert-uncased")) expect_golden(bert, line);
  EXPECT_EQ(bert.special(), (SpecialTokens{.cls = 101, .sep = 102, .pad = 0, .unk = 100, .mask = 103}));
  const Tokenizer again = Tokenizer::from_json(bert.serialized(), "copy", bert.config());
  for (const Json& line : golden_lines("bert-uncased")) expect_golden(again, line);
}

TEST(Tokenizer, Llama2cSpellsSpecialTokensAsText) {
  const Tokenizer bin = load_tokenizer(data_path("assets/stories260K/tok512.bin"));
  EXPECT_EQ(bin.vocab_size(), 512);
  EXPECT_EQ(bin.special(), (SpecialTokens{.bos = 1, .eos = 2, .unk = 0}));
  std::size_t compared = 0;
  for (const Json& line : golden_lines("stories260k")) {
    const auto text = line["text"].get<std::string>();
    SCOPED_TRACE(text);
    const TokenizedText encoded = bin.encode(text);
    EXPECT_EQ(encoded.ids.front(), 1);
    EXPECT_EQ(std::count(encoded.ids.begin(), encoded.ids.end(), 1), 1);
    if (text.find("▁") == text.npos) {  // which is a space
      EXPECT_EQ(bin.decode(encoded.ids), text);
    }
    // The other file looks for these in the text.
    if (text.find("<s>") != text.npos || text.find("</s>") != text.npos || text.find("<unk>") != text.npos)
      continue;
    EXPECT_EQ(encoded.ids, line["ids"].get<Ids>());
    EXPECT_EQ(encoded.offsets, byte_offsets(text, line["offsets"]));
    ++compared;
  }
  EXPECT_GT(compared, 150u);
  EXPECT_EQ(Tokenizer::from_json(bin.serialized(), "copy", bin.config()).encode("Once upon").ids,
            bin.encode("Once upon").ids);
}

TEST(Tokenizer, PairsAndSegments) {
  const Tokenizer bert = load_tokenizer(data_path("tests/data/tokenizers/bert-uncased/tokenizer.json"));
  const TokenizedText pair = bert.encode_pair("Who?", "a bird");
  EXPECT_EQ(pair.ids, (Ids{101, 2040, 1029, 102, 1037, 4743, 102}));
  EXPECT_EQ(pair.type_ids, (Ids{0, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(pair.sources, (std::vector<std::int8_t>{-1, 0, 0, -1, 1, 1, -1}));
  EXPECT_EQ(pair.offsets[5], (text::Span{2, 6}));
  EXPECT_EQ(bert.encode_pair("Who?", "a bird", {.add_special = false}).ids, (Ids{2040, 1029, 1037, 4743}));
}

TEST(Tokenizer, CutsTheTextAndKeepsTheSpecialTokens) {
  const Tokenizer bert = load_tokenizer(data_path("tests/data/tokenizers/bert-uncased/tokenizer.json"));
  EXPECT_EQ(bert.added_count(), 2u);
  EXPECT_EQ(bert.added_count(true), 3u);
  EXPECT_EQ(bert.encode("a b c d e", {.max_tokens = 4}).ids, (Ids{101, 1037, 1038, 102}));
  EXPECT_EQ(bert.encode("a b c d e", {.max_tokens = 7}).ids.size(), 7u);
  EXPECT_EQ(bert.encode("a b c d e", {.max_tokens = 100}).ids.size(), 7u);
  EXPECT_EQ(bert.encode("a b c", {.max_tokens = 2}).ids, (Ids{101, 102}));
  EXPECT_EQ(bert.encode("a b c", {.add_special = false, .max_tokens = 2}).ids, (Ids{1037, 1038}));
  EXPECT_EQ(error_of([&] { bert.encode("a", {.max_tokens = 1}); }),
            "[tokenizer] expected at least 2 tokens, as many special ones are added, came 1");
  // The longer text is cut first, then both.
  EXPECT_EQ(bert.encode_pair("a b c d e", "f", {.max_tokens = 7}).ids,
            (Ids{101, 1037, 1038, 1039, 102, 1042, 102}));
  EXPECT_EQ(bert.encode_pair("a", "b c d e f", {.max_tokens = 6}).ids,
            (Ids{101, 1037, 102, 1038, 1039, 102}));
  EXPECT_EQ(bert.encode_pair("a b c", "d e f", {.max_tokens = 6}).ids,
            (Ids{101, 1037, 102, 1040, 1041, 102}));
}

TEST(Tokenizer, KnowsItsTokens) {
  const Tokenizer bert = load_tokenizer(data_path("tests/data/tokenizers/bert-uncased/tokenizer.json"));
  EXPECT_EQ(bert.vocab_size(), 30522);
  EXPECT_EQ(bert.token_to_id("##ing"), 2075);
  EXPECT_EQ(bert.token_to_id("no such token"), std::nullopt);
  EXPECT_EQ(bert.id_to_token(101), "[CLS]");
  for (const std::int32_t id : {-1, 30522, INT32_MAX, INT32_MIN})
    EXPECT_EQ(bert.id_to_token(id), std::nullopt);
  EXPECT_TRUE(bert.is_special(102));
  EXPECT_FALSE(bert.is_special(2075));
  EXPECT_EQ(bert.decode(Ids{-5, 4743, 99999999, 2075}), "birding");  // rows without a token say nothing
  const Tokenizer gpt = load_tokenizer(data_path("assets/stories-7m/tokenizer.json"));
  EXPECT_EQ(gpt.special(), (SpecialTokens{.bos = 0, .eos = 0}));
}

TEST(Tokenizer, AddedTokensInText) {
  const Tokenizer tokenizer = Tokenizer::from_json(R"({
    "added_tokens":[
      {"id":9,"content":"<m>","special":true,"lstrip":true,"rstrip":true,"normalized":false},
      {"id":10,"content":"cat","single_word":true,"normalized":true},
      {"id":11,"content":"<m>x","normalized":false}],
    "normalizer":{"type":"Lowercase"},
    "model":{"type":"BPE","unk_token":"?","fuse_unk":true,"vocab":{"?":0,"a":1," ":2},"merges":[]}})",
                                                   "test");
  EXPECT_EQ(tokenizer.vocab_size(), 12);
  const TokenizedText a = tokenizer.encode("a  <m> \ta");
  EXPECT_EQ(a.ids, (Ids{1, 9, 1}));
  EXPECT_EQ(a.offsets, (std::vector<text::Span>{{0, 1}, {1, 8}, {8, 9}}));
  EXPECT_EQ(tokenizer.encode("CAT,cats").ids, (Ids{10, 0, 1, 0}));  // normalized, and alone only
  EXPECT_EQ(tokenizer.encode("<m>x<M>").ids, (Ids{11, 0}));         // the longest; not normalized
  EXPECT_EQ(tokenizer.decode(Ids{9, 1, 10}), "a cat");
  EXPECT_EQ(tokenizer.decode(Ids{9, 1, 10}, {.skip_special = false}), "<m> a cat");
}

TEST(Tokenizer, RolesFromTheConfiguration) {
  const std::string folder = text::own_folder("tokenizer_roles").string();
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/tokenizer.json")
      << R"({"added_tokens":[{"id":1,"content":"<x>","special":true,"normalized":false}],
             "model":{"type":"BPE","vocab":{"a":0,"<x>":1,"<y>":2},"merges":[]}})";
  std::ofstream(folder + "/tokenizer_config.json")
      << R"({"bos_token":{"content":"<x>"},"eos_token":"<y>","pad_token":null,"unk_token":"gone"})";
  const Tokenizer tokenizer = load_tokenizer(folder);
  // A role that the file has no token for gets one, as in transformers.
  EXPECT_EQ(tokenizer.special(), (SpecialTokens{.bos = 1, .eos = 2, .unk = 3}));
  EXPECT_EQ(Tokenizer::from_json(tokenizer.serialized(), "copy", tokenizer.config()).special(),
            tokenizer.special());
  EXPECT_EQ(tokenizer.encode("a<x>a").ids, (Ids{0, 1, 0}));
  std::ofstream(folder + "/tokenizer_config.json") << R"({"split_special_tokens":true})";
  EXPECT_EQ(load_tokenizer(folder).encode("a<x>a").ids, (Ids{0, 0}));
  std::filesystem::remove_all(folder);
}

TEST(Tokenizer, CasedBertFromAFolder) {
  const std::string folder = text::own_folder("tokenizer_cased").string();
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/vocab.txt") << "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\nÉa\r\n##b\r\n";
  std::ofstream(folder + "/tokenizer_config.json")
      << R"({"do_lower_case":false,"tokenize_chinese_chars":true})";
  const Tokenizer tokenizer = load_tokenizer(folder);
  EXPECT_EQ(tokenizer.encode("Éab éa").ids, (Ids{2, 4, 5, 1, 3}));
  EXPECT_EQ(tokenizer.special().mask, -1);
  std::filesystem::remove_all(folder);
}

TEST(Tokenizer, LongWordsAndMalformedText) {
  const Tokenizer gpt = load_tokenizer(data_path("assets/stories-7m/tokenizer.json"));
  const std::string word(1 << 20, 'q');
  EXPECT_EQ(gpt.decode(gpt.encode(word).ids), word);
  const std::string spaces(1 << 20, ' ');
  EXPECT_EQ(gpt.decode(gpt.encode(spaces).ids), spaces);
  EXPECT_EQ(gpt.decode(gpt.encode("a\xFF\xE2\x82z").ids), "a\uFFFD\uFFFDz");
  EXPECT_EQ(gpt.encode("\xE2\x82z").offsets.back(), (text::Span{2, 3}));
  EXPECT_EQ(gpt.encode(std::string_view("\0", 1)).size(), 1u);
}

TEST(TokenizerThreads, ShareOneTokenizer) {
  const Tokenizer bert = load_tokenizer(data_path("tests/data/tokenizers/bert-uncased/tokenizer.json"));
  const Tokenizer gpt = load_tokenizer(data_path("assets/stories-7m/tokenizer.json"));
  const std::vector<Json> lines = golden_lines("bert-uncased");
  const std::vector<Json> gpt_lines = golden_lines("stories-7m");
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& mine : wrong)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < lines.size(); ++i) {
        mine += bert.encode(lines[i]["text"].get<std::string>()).ids != lines[i]["ids"].get<Ids>();
        mine += gpt.encode(gpt_lines[i]["text"].get<std::string>()).ids != gpt_lines[i]["ids"].get<Ids>();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

Buffer bytes_of(const std::string& text) {
  Buffer buffer = Buffer::heap(text.size());
  std::memcpy(buffer.mutable_data(), text.data(), text.size());
  return buffer;
}

TEST(TokenizerSource, TheConfigOfACheckpointCounts) {
  TokenizerSource source;
  source.kind = TokenizerKind::kVocabText;
  source.where = "vocab.txt";
  source.bytes = bytes_of("[UNK]\n[CLS]\n[SEP]\nswift\nSwift\n");
  EXPECT_EQ(Tokenizer::from_source(source).encode("Swift").ids, (std::vector<std::int32_t>{1, 3, 2}));
  source.config = Config::parse(R"({"do_lower_case": false})", "tokenizer_config.json");
  EXPECT_EQ(Tokenizer::from_source(source).encode("Swift").ids, (std::vector<std::int32_t>{1, 4, 2}));
  source.kind = TokenizerKind::kTokenizerJson;
  source.bytes = bytes_of(
      R"({"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}})");
  source.config = Config::parse(R"({"eos_token": "b"})", "tokenizer_config.json");
  EXPECT_EQ(Tokenizer::from_source(source).special().eos, 1);
}

}  // namespace
}  // namespace swiftlet
