#include "swiftlet/compress/calibrate/samples.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

struct Loaded {
  Checkpoint checkpoint;
  models::BuiltModel built;

  explicit Loaded(const fs::path& path)
      : checkpoint(load_checkpoint(path)), built(models::build_model(checkpoint)) {}
  Samples read(const fs::path& texts, std::int64_t tokens) const {
    return read_samples(checkpoint, built, {.texts = texts, .tokens = tokens});
  }
};

fs::path source(const char* name) {
  return fs::path(SWIFTLET_SOURCE_DIR) / name;
}

class SamplesTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = fs::temp_directory_path() / fmt::format("swiftlet-samples-{}.txt", ::getpid());
  }
  void TearDown() override { fs::remove(file_); }
  std::string error_of(const Loaded& model, const std::string& text) {
    std::ofstream(file_) << text;
    try {
      model.read(file_, 1000);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  fs::path file_;
};

TEST_F(SamplesTest, WindowsOfADecoderCoverTheTextEvenly) {
  const Loaded model(source("assets/stories-7m"));
  const auto length = static_cast<std::size_t>(std::min<std::int64_t>(2048, model.built.max_positions));
  const Samples samples = model.read(source("assets/text/stories-valid.txt.gz"), 5000);
  EXPECT_EQ(samples.sequences.size(), 5000 / length);
  EXPECT_EQ(samples.tokens, static_cast<std::int64_t>(samples.sequences.size() * length));
  std::set<std::vector<std::int32_t>> different;
  for (const auto& sequence : samples.sequences) {
    EXPECT_EQ(sequence.size(), length);
    different.insert(sequence);
  }
  EXPECT_EQ(different.size(), samples.sequences.size());
  // The whole text, where it is shorter than what is wanted.
  const Samples all = model.read(source("assets/text/stories-valid.txt.gz"), 1 << 30);
  EXPECT_EQ(all.sequences.front(), samples.sequences.front());
  EXPECT_EQ(all.sequences.back(), samples.sequences.back());
  EXPECT_GT(all.tokens, 50000);
}

TEST_F(SamplesTest, LinesOfAnEncoderAreWholeSentencesFromAllOverTheFile) {
  const Loaded model(source("tests/data/models/bert-gelu"));
  std::ofstream out(file_);  // of 1 to 40 words, which this vocabulary does not know
  for (std::string line = "it"; line.size() <= 40 * 3; line += " is") out << line << "\n";
  out.close();
  const Samples all = model.read(file_, 1 << 20), some = model.read(file_, 400);
  EXPECT_EQ(all.sequences.size(), 40u);
  EXPECT_LE(some.tokens, 400);
  EXPECT_GT(some.tokens, 300);
  EXPECT_EQ(std::set(all.sequences.begin(), all.sequences.end()).size(), 40u) << "each line once";
  EXPECT_TRUE(std::equal(some.sequences.begin(), some.sequences.end(), all.sequences.begin()));
}

TEST_F(SamplesTest, TooLittleTextIsRefused) {
  for (const char* name : {"assets/stories-7m", "tests/data/models/bert-gelu"}) {
    const Loaded model(source(name));
    const std::string where = fmt::format("[{}] ", file_.string());
    EXPECT_EQ(error_of(model, ""), where + "gives 0 tokens to calibrate with, at least 256 are needed");
    EXPECT_NE(error_of(model, "Once upon a time\n").find("at least 256 are needed"), std::string::npos);
  }
}

}  // namespace
}  // namespace swiftlet
