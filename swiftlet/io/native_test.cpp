#include "swiftlet/io/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "swiftlet/io/native_format.h"
#include "swiftlet/io/test_files.h"

namespace swiftlet {
namespace {

using testing::buffer_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::read_file;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_file;

Weight float_matrix(const std::string& name, std::int64_t n, std::int64_t k) {
  std::mt19937 random(static_cast<unsigned>(n * 1000 + k));
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(n * k));
  for (float& value : values) value = normal(random);
  return weight_from_tensor(name, Tensor::from(values, {n, k}));
}

Buffer text_buffer(std::string_view text) {
  return buffer_of(text);
}

Checkpoint example() {
  Checkpoint c;
  c.config = Config::parse(R"({"model_type":"bert","layer_norm_eps":1e-12})", "config.json");
  const auto add = [&](Weight weight) { c.weights.emplace(weight.name, std::move(weight)); };
  add(weight_from_tensor("norm.weight", Tensor::from(std::vector<float>{1, 2, 3}, {3})));
  add(float_matrix("embeddings", 5, 7));
  add(encode(float_matrix("bf16", 20, 9), {Format::kBF16}));
  add(encode(float_matrix("int8", 33, 40), {Format::kInt8}));
  add(encode(float_matrix("int4", 17, 70), {Format::kInt4, 32, true}));
  add(encode(float_matrix("q4_r", 17, 96), {Format::kQ4R}));
  c.weights.find("int8")->second.arithmetic = Arithmetic::kInt8;
  c.tokenizer.kind = TokenizerKind::kTokenizerJson;
  c.tokenizer.bytes = text_buffer("{\"model\":1}");
  c.tokenizer.tables = text_buffer("tables");
  c.tokenizer.config = Config::parse(R"({"model_max_length":512})", "tokenizer_config.json");
  c.generation.eos_token_ids = {2, 5};
  c.generation.bos_token_id = 1;
  c.sentence_transformer =
      SentenceTransformer{{Pooling::kCls}, true, {SentenceLayer{}}, 256, true, {{"query", "q: "}}, "query"};
  c.chat_template = "{% for m in messages %}\"\n\xc3\xa9{% endfor %}";
  c.named_templates = {{"tool_use", "{{ tools }}"}};
  c.plan = R"({"weights":"int8"})";
  c.certificate = R"({"metric":"spearman","before":0.8203,"after":0.8201})";
  return c;
}

std::string example_bytes() {
  static const std::string bytes = [] {
    TemporaryFolder folder;
    write_native(folder / "m.swiftlet", example());
    return read_file(folder / "m.swiftlet");
  }();
  return bytes;
}

Checkpoint parse(std::string_view bytes) {
  return parse_native(SafetensorsFile::parse(buffer_of(bytes), "m.swiftlet"));
}

std::string parse_error(std::string_view bytes) {
  return message_of([&] { parse(bytes); });
}

// The example with other metadata, under a header hash that fits.
template <class Change>
std::string changed(Change change) {
  const SafetensorsFile file = SafetensorsFile::parse(buffer_of(example_bytes()), "m.swiftlet");
  SafetensorsMetadata metadata = file.metadata();
  std::vector<SafetensorsDeclaration> blobs;
  for (const auto& entry : file.entries()) blobs.push_back({entry.name, entry.dtype, entry.shape});
  change(metadata, blobs);
  if (metadata.contains(kHeaderHashKey)) {
    const std::string header = safetensors_header(blobs, metadata, kNativeAlignment, "m");
    metadata[std::string(kHeaderHashKey)] = header_hash(std::string_view(header).substr(8));
  }
  return safetensors_header(blobs, metadata, kNativeAlignment, "m") +
         example_bytes().substr(file.data_offset());
}

std::string metadata_error(const std::string& key, const std::string& value) {
  return parse_error(changed([&](SafetensorsMetadata& metadata, auto&) { metadata[key] = value; }));
}

// The error when `key` of the description of the first weight is changed.
std::string weight_error(const std::string& key, const nlohmann::json& value) {
  return parse_error(changed([&](SafetensorsMetadata& metadata, auto&) {
    auto weights = nlohmann::json::parse(metadata.at("weights"));
    weights[0][key] = value;
    metadata["weights"] = weights.dump();
  }));
}

TEST(Native, RoundTripsEverything) {
  const Checkpoint written = example();
  const Checkpoint read = parse(example_bytes());
  EXPECT_EQ(read.format, "native");
  EXPECT_EQ(read.config.dump(), written.config.dump());
  ASSERT_EQ(read.weights.size(), written.weights.size());
  for (const auto& [name, weight] : written.weights) {
    const Weight& other = read.weight(name);
    EXPECT_EQ(other.shape, weight.shape) << name;
    EXPECT_EQ(other.encoding, weight.encoding) << name;
    EXPECT_EQ(other.layout, weight.layout) << name;
    EXPECT_EQ(other.arithmetic, weight.arithmetic) << name;
    EXPECT_EQ(decode(other), decode(weight)) << name;
    EXPECT_EQ(other.bytes(), weight.bytes()) << name;
  }
  EXPECT_EQ(read.tokenizer.kind, TokenizerKind::kTokenizerJson);
  EXPECT_EQ(read.tokenizer.text(), written.tokenizer.text());
  EXPECT_EQ(read.tokenizer.tables.size(), 6U);
  EXPECT_EQ(std::memcmp(read.tokenizer.tables.data(), "tables", 6), 0);
  EXPECT_EQ(read.tokenizer.config.require_int("model_max_length"), 512);
  EXPECT_THAT(read.generation.eos_token_ids, ElementsAre(2, 5));
  EXPECT_EQ(read.generation.bos_token_id, 1);
  EXPECT_FALSE(read.generation.pad_token_id.has_value());
  ASSERT_TRUE(read.sentence_transformer.has_value());
  EXPECT_EQ(read.sentence_transformer->pooling, std::vector{Pooling::kCls});
  EXPECT_EQ(read.sentence_transformer->max_seq_length, 256);
  EXPECT_EQ(read.sentence_transformer->layers.size(), 1u);
  EXPECT_TRUE(read.sentence_transformer->do_lower_case);
  EXPECT_EQ(read.sentence_transformer->prompts.at("query"), "q: ");
  EXPECT_EQ(read.sentence_transformer->default_prompt, "query");
  EXPECT_EQ(read.chat_template, written.chat_template);
  EXPECT_EQ(read.named_templates, written.named_templates);
  EXPECT_EQ(read.plan, written.plan);
  EXPECT_EQ(read.certificate, written.certificate);
}

TEST(Native, WritesTheSameBytesEachTime) {
  TemporaryFolder folder;
  write_native(folder / "m.swiftlet", parse(example_bytes()));
  EXPECT_EQ(read_file(folder / "m.swiftlet"), example_bytes());
}

TEST(Native, MapsWeightsAtMultiplesOf64) {
  TemporaryFolder folder;
  write_file(folder / "m.swiftlet", example_bytes());
  const Checkpoint checkpoint = load_checkpoint(folder / "m.swiftlet");
  for (const auto& [name, weight] : checkpoint.weights)
    for (const Buffer* buffer : {&weight.codes, &weight.scales, &weight.zero_points}) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % kNativeAlignment, 0U) << name;
      EXPECT_FALSE(buffer->is_heap()) << name;
    }
}

TEST(Native, IsFoundUnderAnotherExtension) {
  TemporaryFolder folder;
  write_file(folder / "m.safetensors", example_bytes());
  EXPECT_EQ(load_checkpoint(folder / "m.safetensors").format, "native");
}

TEST(Native, KeepsModelsWithoutTokenizerAndWithoutWeights) {
  TemporaryFolder folder;
  write_native(folder / "m.swiftlet", {});
  const Checkpoint checkpoint = load_native(folder / "m.swiftlet");
  EXPECT_TRUE(checkpoint.weights.empty());
  EXPECT_EQ(checkpoint.tokenizer.kind, TokenizerKind::kNone);
  EXPECT_FALSE(checkpoint.sentence_transformer.has_value());
  EXPECT_EQ(verify_native(folder / "m.swiftlet").tensors, 0U);
}

TEST(Native, VerifyNamesTheTensorThatDiffers) {
  TemporaryFolder folder;
  const auto path = folder / "m.swiftlet";
  write_file(path, example_bytes());
  const NativeVerification whole = verify_native(path);
  EXPECT_EQ(whole.tensors, 2U + 6U + 2U + 1U);  // tokenizer and its tables, codes, scales, zero points
  const SafetensorsFile file = SafetensorsFile::parse(buffer_of(example_bytes()), "m");
  for (const auto& entry : file.entries()) {
    std::string bad = example_bytes();
    bad[entry.end - 1] = static_cast<char>(bad[entry.end - 1] ^ 1);  // in the padding where there is some
    write_file(path, bad);
    EXPECT_NO_THROW(load_native(path)) << entry.name;
    EXPECT_THAT(message_of([&] { verify_native(path); }),
                HasSubstr(fmt::format("tensor '{}'] has the SHA-256", entry.name)));
  }
}

TEST(Native, RefusesEveryTruncation) {
  const std::string good = example_bytes();
  const std::size_t header = good.size() - 2000;
  for (std::size_t length = 0; length < good.size(); length += length < 64 || length > header ? 1 : 13)
    EXPECT_THAT(parse_error(good.substr(0, length)), HasSubstr("m.swiftlet")) << length;
  EXPECT_THAT(parse_error(good + std::string(64, '\0')), HasSubstr("m.swiftlet"));
}

TEST(Native, RefusesEveryFlippedBitOfTheHeader) {
  const std::string good = example_bytes();
  const std::uint64_t header = SafetensorsFile::parse(buffer_of(good), "m").data_offset();
  for (std::size_t bit = 0; bit < header * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_THAT(parse_error(bad), HasSubstr("m.swiftlet")) << "bit " << bit;
  }
}

TEST(Native, RefusesNewerVersionsAndNamesTheirReader) {
  const std::string newer = changed([](SafetensorsMetadata& metadata, auto&) {
    metadata["format_version"] = "2";
    metadata["first_reader"] = "3.1.0";
    metadata.erase("weights");  // whatever it holds
  });
  try {
    parse(newer);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(
        error.what(),
        "[m.swiftlet] is of format version 2, this program reads versions up to 1: Swiftlet 3.1.0 or "
        "newer reads it");
  }
  for (const char* version : {"", "x", "0", "-1", "1x", "99999999999999999999"})
    EXPECT_THAT(metadata_error("format_version", version), HasSubstr("has no valid format_version"))
        << version;
}

TEST(Native, RefusesOtherSafetensorsFiles) {
  EXPECT_THAT(parse_error(safetensors_bytes("{}")), HasSubstr("without the metadata of a Swiftlet model"));
  EXPECT_THAT(metadata_error("format", "pt"), HasSubstr("without the metadata of a Swiftlet model"));
}

TEST(Native, RefusesMetadataThatDoesNotFit) {
  EXPECT_THAT(metadata_error("config", "{"), HasSubstr("m.swiftlet: config] is not valid JSON"));
  EXPECT_THAT(metadata_error("config", "[]"), HasSubstr("m.swiftlet: config] expected a JSON object"));
  EXPECT_THAT(metadata_error("certificate", "x"), HasSubstr("m.swiftlet: certificate] is not valid JSON"));
  EXPECT_THAT(metadata_error("plan", "x"), HasSubstr("m.swiftlet: plan] is not valid JSON"));
  EXPECT_THAT(metadata_error("weights", "{}"), HasSubstr("m.swiftlet: weights] expected a list"));
  EXPECT_THAT(metadata_error("weights", "[]"), HasSubstr("belongs to no weight"));
  EXPECT_THAT(metadata_error("weights", "[1]"), HasSubstr("weights: 0] expected a JSON object"));
  EXPECT_THAT(metadata_error("generation", R"({"eos_token_id":"x"})"),
              HasSubstr("generation: eos_token_id]"));
  EXPECT_THAT(metadata_error("tokenizer", R"({"kind":"magic"})"),
              HasSubstr("tokenizer: kind] expected a name"));
  EXPECT_THAT(metadata_error("tokenizer", R"({"kind":"none"})"),
              HasSubstr("'#tokenizer'] belongs to no weight"));
  EXPECT_THAT(metadata_error("tokenizer", R"({"kind":"tokenizer.json","bytes":11})"),
              HasSubstr("'#tokenizer_tables'] belongs to no weight"));
  EXPECT_THAT(metadata_error("tokenizer", R"({"kind":"tokenizer.json","bytes":11,"tables_bytes":65})"),
              HasSubstr("tables] is said to have 65 bytes, its blob has 64"));
  EXPECT_THAT(metadata_error("tokenizer", R"({"kind":"vocab.txt","bytes":65})"),
              HasSubstr("is said to have 65 bytes, its blob has 64"));
  EXPECT_THAT(metadata_error("tokenizer", R"({"kind":"vocab.txt","bytes":9223372036854775807})"),
              HasSubstr("is said to have"));
  EXPECT_THAT(metadata_error("sentence_transformer", R"({"pooling":"sum"})"), HasSubstr("pooling] expected"));
  EXPECT_THAT(metadata_error("sentence_transformer", R"({"pooling":"cls","default_prompt":"x"})"),
              HasSubstr("default_prompt] expected the name of a prompt"));
  const auto without = [](const char* key) {
    return parse_error(changed([&](SafetensorsMetadata& metadata, auto&) { metadata.erase(key); }));
  };
  EXPECT_THAT(without("config"), HasSubstr("has no \"config\" in its metadata"));
  EXPECT_THAT(without("weights"), HasSubstr("weights] is empty, expected JSON"));
  EXPECT_THAT(without("header_sha256"), HasSubstr("does not have the hash that it names"));
}

TEST(Native, RefusesWeightsThatDoNotFitTheirBlobs) {  // the first weight is "bf16", panels of [20, 9]
  EXPECT_THAT(weight_error("shape", {20, 90}), HasSubstr("tensor 'bf16'] is 640 bytes, expected"));
  EXPECT_THAT(weight_error("shape", {20, -9}), HasSubstr("expected extents of at least 0"));
  EXPECT_THAT(weight_error("shape", {20, 0}), HasSubstr("expected a matrix"));
  EXPECT_THAT(weight_error("shape", {180}), HasSubstr("panels are for matrices"));
  EXPECT_THAT(weight_error("shape", {std::int64_t{1} << 62, std::int64_t{1} << 62}), HasSubstr("too large"));
  EXPECT_THAT(weight_error("shape", "x"), HasSubstr("shape] expected an integer or a list"));
  EXPECT_THAT(weight_error("encoding", "int9"), HasSubstr("encoding] expected an encoding"));
  EXPECT_THAT(weight_error("encoding", "f32"), HasSubstr("tensor 'bf16'] is 640 bytes"));
  EXPECT_THAT(weight_error("encoding", "int8"), HasSubstr("tensor 'bf16'] is 640 bytes"));
  EXPECT_THAT(weight_error("layout", "rows"), HasSubstr("tensor 'bf16'] is 640 bytes, expected 384"));
  EXPECT_THAT(weight_error("layout", "columns"), HasSubstr("layout] expected a name"));
  EXPECT_THAT(weight_error("arithmetic", 3), HasSubstr("arithmetic] expected a string, got 3"));
  EXPECT_THAT(weight_error("name", "other"), HasSubstr("tensor 'other'] is missing"));
  EXPECT_THAT(weight_error("name", "a#b"), HasSubstr("has a '#' in its name"));
  EXPECT_THAT(weight_error("name", "int8"), HasSubstr("m.swiftlet"));
  EXPECT_THAT(parse_error(changed([](auto&, std::vector<SafetensorsDeclaration>& blobs) {
                blobs.back().dtype = DType::kI8;
              })),
              HasSubstr("expected a list of u8, got i8"));
}

TEST(Native, RefusesUnalignedData) {
  const SafetensorsFile file = SafetensorsFile::parse(buffer_of(example_bytes()), "m");
  const std::string header(file.header());
  EXPECT_THAT(parse_error(safetensors_bytes(header + " ", example_bytes().substr(file.data_offset()))),
              HasSubstr("expected a multiple of 64"));
}

TEST(NativeWriter, LeavesNothingBehindWithoutCommit) {
  TemporaryFolder folder;
  {
    const Checkpoint checkpoint = example();
    NativeWriter writer(folder / "m.swiftlet", checkpoint, {describe(checkpoint.weight("int8"))});
    writer.write(checkpoint.weight("int8"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(NativeWriter, TheCertificateComesIntoTheHeaderWhenTheDataAreWritten) {
  TemporaryFolder folder;
  const auto path = folder / "m.swiftlet";
  const Checkpoint checkpoint = example();
  const std::string certificate = R"({"metric":"spearman","quote":"\"\u00e9\""})";
  NativeWriter writer(path, checkpoint, {describe(checkpoint.weight("int8"))}, certificate_room(certificate));
  writer.write(checkpoint.weight("int8"));
  writer.seal();
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::string sealed = read_file(writer.aside());
  EXPECT_EQ(verify_native(writer.aside()).tensors, 4U);
  EXPECT_EQ(load_native(writer.aside()).certificate, checkpoint.certificate);
  writer.commit(certificate);
  EXPECT_EQ(verify_native(path).tensors, 4U);
  EXPECT_EQ(load_native(path).certificate, certificate);
  const std::string committed = read_file(path);
  ASSERT_EQ(committed.size(), sealed.size());
  const std::uint64_t data = SafetensorsFile::parse(buffer_of(committed), "m").data_offset();
  EXPECT_EQ(committed.substr(data), sealed.substr(data));
}

TEST(NativeWriter, ACertificateLargerThanItsRoomIsRefused) {
  TemporaryFolder folder;
  NativeWriter writer(folder / "m.swiftlet", {}, {}, 100);
  EXPECT_THAT(message_of([&] { writer.commit('"' + std::string(2000, 'x') + '"'); }),
              HasSubstr("there is room for"));
}

TEST(Native, ProgressMovesWithEveryTensor) {
  TemporaryFolder folder;
  std::vector<std::string> seen;
  const Job job([&](std::string_view stage, std::int64_t done, std::int64_t total) {
    seen.push_back(fmt::format("{} {}/{}", stage, done, total));
  });
  write_native(folder / "m.swiftlet", example(), job);
  EXPECT_THAT(seen, ElementsAre("convert 0/6", "convert 1/6", "convert 2/6", "convert 3/6", "convert 4/6",
                                "convert 5/6", "convert 6/6"));
  seen.clear();
  verify_native(folder / "m.swiftlet", job);
  ASSERT_EQ(seen.size(), 12U);
  EXPECT_EQ(seen[3], "verify 3/11");
  EXPECT_EQ(seen.back(), "verify 11/11");
}

TEST(Native, AFileThatShrinksWhileItIsVerifiedIsNamed) {
  TemporaryFolder folder;
  const auto path = folder / "m.swiftlet";
  for (const std::int64_t when : {0, 1, 8}) {
    write_file(path, example_bytes());
    const Job job([&](std::string_view, std::int64_t done, std::int64_t) {
      // A page less, or so little less that no page is gone.
      if (done == when) std::filesystem::resize_file(path, when == 1 ? example_bytes().size() - 64 : 4096);
    });
    EXPECT_THAT(message_of([&] { verify_native(path, job); }), HasSubstr("m.swiftlet] was cut short"))
        << when;
  }
}

TEST(NativeWriter, RefusesNamesThatCouldCollide) {
  TemporaryFolder folder;
  Weight weight = weight_from_tensor("a#scales", Tensor::from(std::vector<float>{1}, {1}));
  EXPECT_THAT(message_of([&] { NativeWriter(folder / "m.swiftlet", {}, {describe(weight)}); }),
              HasSubstr("tensor 'a#scales'] has a '#' in its name"));
}

// A limit on the size of files stands for a full disk.
TEST(NativeWriter, ReportsAFullDiskAndKeepsTheOldFile) {
  TemporaryFolder folder;
  const auto path = folder / "m.swiftlet";
  write_file(path, "old");
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{example_bytes().size() - 100, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message = message_of([&] { write_native(path, example()); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, HasSubstr("m.swiftlet] writing failed after"));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Sha256, MatchesTheStandard) {  // the examples of FIPS 180-4
  EXPECT_EQ(sha256(std::string_view("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string_view()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 parts;
  parts.update("a");
  parts.update("bc");
  EXPECT_EQ(parts.finish(), sha256(std::string_view("abc")));
}

}  // namespace
}  // namespace swiftlet
