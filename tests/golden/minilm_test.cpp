// MiniLM-L6 against transformers. Its weights are not committed: `make setup` puts them into models/minilm,
// SWIFTLET_MINILM names another folder.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "golden_model.h"
#include "swiftlet/engine/encoder.h"

namespace swiftlet {
namespace {

class MiniLm : public testing::Test {
 protected:
  void SetUp() override {
    const char* set = std::getenv("SWIFTLET_MINILM");
    folder_ = set != nullptr ? std::filesystem::path(set) : source_dir() / "models/minilm";
    if (!std::filesystem::exists(folder_ / "config.json"))
      GTEST_SKIP() << "no MiniLM at " << folder_ << "; `make setup` fetches it, or set SWIFTLET_MINILM";
  }

  std::vector<std::string> sentences() const {
    std::ifstream file(source_dir() / "tests/data/minilm/sentences.txt");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::filesystem::path folder_;
  const std::filesystem::path dump_ = source_dir() / "tests/data/minilm/golden.safetensors";
};

TEST_F(MiniLm, TokenIdsEqualTheReference) {
  Encoder encoder(LoadedModel::load(folder_, {.precision = Arithmetic::kF32}));
  const auto dump = SafetensorsFile::open(dump_);
  const auto texts = sentences();
  ASSERT_EQ(texts.size(), 24u);
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(encoder.tokenize(texts[i]), ids_of(dump, fmt::format("input_ids.{}", i))) << texts[i];
}

TEST_F(MiniLm, EmbeddingsEqualTheReference) {
  const Tensor want = SafetensorsFile::open(dump_).tensor("embeddings");
  for (const auto* table : kernels::available_tables()) {
    Encoder encoder(LoadedModel::load(folder_, {.precision = Arithmetic::kF32, .table = table}));
    auto texts = sentences();
    if (table->isa == "scalar") texts.resize(4);  // the definition is slow
    const auto got = encoder.embed(texts);
    EXPECT_LE(relative_l2(got, want.span<float>().first(got.size())), kTolerance) << table->isa;
  }
}

TEST_F(MiniLm, AVectorDoesNotDependOnItsBatch) {
  const auto texts = sentences();
  for (const auto precision : {Arithmetic::kF32, Arithmetic::kInt8}) {
    Encoder one(LoadedModel::load(folder_, {.precision = precision, .threads = 1}));
    Encoder two(LoadedModel::load(folder_, {.precision = precision, .threads = 2}));
    const auto batch = two.embed(texts);
    for (std::size_t i = 0; i < texts.size(); i += 5) {
      const auto alone = one.embed(std::span(texts).subspan(i, 1));
      EXPECT_TRUE(
          std::equal(alone.begin(), alone.end(), batch.begin() + static_cast<std::ptrdiff_t>(i * 384)))
          << texts[i];
    }
  }
}

}  // namespace
}  // namespace swiftlet
