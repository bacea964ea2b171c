// Files that are missing, broken or not ours: one clear line, status 1, nothing lost.
#include <unistd.h>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;

void expect_failure(const Result& result, const std::string& named) {
  EXPECT_EQ(result.status, 1) << result.out;
  EXPECT_EQ(error_lines(result.err), 1u) << result.err;
  EXPECT_THAT(result.err, HasSubstr(named));
  EXPECT_EQ(result.out, "");
}

TEST(BadInput, AMissingModelIsNamedByEveryCommand) {
  const Scratch scratch;
  const std::string out = scratch.path("x.swiftlet");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"run", "no/model", "x"},
           {"embed", "no/model", "x"},
           {"search", "no/model", "--corpus", "LICENSE", "x"},
           {"tokenize", "no/model"},
           {"eval", "no/model", "--task", "stsb", "--data", "assets/stsb/dev.csv"},
           {"bench", "no/model"},
           {"compress", "no/model", "-o", out},
           {"convert", "no/model", "-o", out},
           {"inspect", "no/model"},
           {"inspect", "no/model", "--verify"}}) {
    const Result result = swiftlet(words);
    expect_failure(result, "[no/model] no such file or folder");
    EXPECT_THAT(result.err, HasSubstr("hint: MODEL is a folder")) << words[0];
  }
  EXPECT_EQ(scratch.files(), 0u);
}

TEST(BadInput, BrokenModelsAreOneLine) {
  const Scratch scratch;
  const std::string weights = read(SWIFTLET_SOURCE_DIR "/assets/stories260K/stories260K.bin");
  expect_failure(swiftlet({"run", scratch.write("empty.bin", ""), "x"}), "empty.bin");
  expect_failure(swiftlet({"run", scratch.write("cut.bin", weights.substr(0, 1000)), "x"}), "cut.bin");
  expect_failure(swiftlet({"run", scratch.write("text.safetensors", "hello"), "x"}), "text.safetensors");
  expect_failure(
      swiftlet({"run", scratch.write("huge.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}"), "x"}),
      "huge.safetensors");
  expect_failure(swiftlet({"run", scratch.write("x.swiftlet", "hello"), "x"}), "x.swiftlet");
  expect_failure(swiftlet({"run", scratch.write("x.gguf", "GGUF"), "x"}), "x.gguf");
  expect_failure(swiftlet({"run", "tests", "x"}), "tests");
}

TEST(BadInput, BrokenFoldersAreOneLine) {
  const Scratch scratch;
  const std::string from = SWIFTLET_SOURCE_DIR "/assets/stories-7m/";
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"})
    scratch.write(name, read(from + name));
  const std::string folder = scratch.path("");
  EXPECT_EQ(swiftlet({"run", folder, "x", "-n", "1"}).status, 0);
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    const std::string whole = read(from + name);
    scratch.write(name, whole.substr(0, whole.size() / 2));
    expect_failure(swiftlet({"run", folder, "x", "-n", "1"}), name);
    scratch.write(name, whole);
  }
}

TEST(BadInput, MissingInputsAreNamed) {
  const char* const model = "assets/stories-7m";
  expect_failure(swiftlet({"tokenize", model, "--input", "no/file"}), "[no/file]");
  expect_failure(swiftlet({"embed", model, "--input", "no/file"}), "[no/file]");
  expect_failure(swiftlet({"search", model, "--corpus", "no/file", "x"}), "[no/file]");
  expect_failure(swiftlet({"eval", model, "--task", "perplexity", "--data", "no/file"}), "no/file");
  expect_failure(swiftlet({"tokenize", model, "--input", "assets"}), "[assets]");
  expect_failure(swiftlet({"tokenize", model, "--input", "assets/text/stories-valid.txt.gz"}), "gzip");
}

TEST(BadInput, AnOutputThatCannotBeWrittenIsNamed) {
  expect_failure(swiftlet({"convert", "assets/stories-7m", "-o", "no/folder/x.swiftlet"}), "no/folder");
  expect_failure(swiftlet({"convert", "assets/stories-7m", "-o", "/proc/x.swiftlet"}), "/proc/x.swiftlet");
}

TEST(BadInput, CudaIsRefusedNotReplaced) {
  const Result result = swiftlet({"run", "assets/stories-7m", "x", "--device", "cuda"});
  if (result.status == 0) GTEST_SKIP() << "this build has CUDA";
  expect_failure(result, "cuda");
}

}  // namespace
}  // namespace swiftlet::cli_test
