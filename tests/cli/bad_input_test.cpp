// Files that are missing, broken or not ours: one clear line, status 1, nothing lost.
#include <sys/stat.h>
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
    expect_failure(result, "[no/model] is no file or folder here and, at revision main, not in the cache");
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
}

TEST(BadInput, NoTextIsAnErrorThatNamesTheFile) {
  const Scratch scratch;
  const std::string empty = scratch.write("empty.txt", "");
  const char* const encoder = "tests/data/models/bert-gelu";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"embed", encoder, "--input", empty},
           {"search", encoder, "--corpus", empty, "x"},
           {"bench", encoder, "--input", empty},
           {"eval", encoder, "--task", "stsb", "--data", empty},
           {"eval", "assets/stories-7m", "--task", "perplexity", "--data", empty}})
    expect_failure(swiftlet(words), "empty.txt]");
}

TEST(BadInput, ATextWithoutEndIsNotCollected) {
  if (!std::filesystem::exists("/dev/zero")) GTEST_SKIP() << "no /dev/zero here";
  expect_failure(swiftlet({"tokenize", "assets/stories-7m", "--input", "/dev/zero"}),
                 "[/dev/zero:1] the line is longer than 268435456 bytes");
}

TEST(BadInput, ATokenizerThatDoesNotFitIsNamed) {
  const Scratch scratch;
  const std::string model =
      scratch.write("x.bin", read(SWIFTLET_SOURCE_DIR "/assets/stories260K/stories260K.bin"));
  scratch.write("tok9.bin", "damaged");
  expect_failure(swiftlet({"tokenize", model, "--input", "LICENSE"}), "with 512 pieces; tok9.bin is damaged");
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

const char* const kSmall = "assets/stories260K/stories260K.bin";

// A limit on the size of files stands for a full disk.
TEST(BadOutput, AFullDiskIsOneLineAndLeavesTheOldFile) {
  const Scratch scratch;
  const std::string out = scratch.write("x.swiftlet", "precious");
  Start start;
  start.file_limit = 100'000;
  for (const std::string command : {"convert", "compress"}) {
    const Result result = swiftlet({command, kSmall, "-o", out}, start);
    expect_failure(result, "x.swiftlet] writing failed after 100000 bytes: File too large");
    EXPECT_EQ(read(out), "precious");
    EXPECT_EQ(scratch.files(), 1u) << "something was left behind";
  }
  const std::string gguf = scratch.write("x.gguf", "precious");
  expect_failure(swiftlet({"convert", kSmall, "-o", gguf}, start),
                 "x.gguf] writing failed after 100000 bytes");
  EXPECT_EQ(read(gguf), "precious");
  const std::string folder = scratch.path("folder");
  expect_failure(swiftlet({"convert", kSmall, "-o", folder}, start),
                 "model.safetensors] writing failed after");
  EXPECT_FALSE(std::filesystem::exists(folder + "/model.safetensors"));
  const Result vectors =
      swiftlet({"compress", kSmall, "-o", scratch.path("y.swiftlet"), "--report", "/dev/full"});
  expect_failure(vectors, "/dev/full] writing failed after 0 bytes: No space left on device");
}

TEST(BadOutput, AFolderAPipeOrAFileInTheWayIsNamed) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path("x.swiftlet"));
  for (const std::string command : {"convert", "compress"})
    expect_failure(swiftlet({command, kSmall, "-o", scratch.path("x.swiftlet")}), "x.swiftlet] is a folder");
  std::filesystem::create_directory(scratch.path("x.gguf"));
  expect_failure(swiftlet({"convert", kSmall, "-o", scratch.path("x.gguf")}), "x.gguf] is a folder");
  ASSERT_EQ(::mkfifo(scratch.path("pipe.swiftlet").c_str(), 0600), 0);
  for (const std::string command : {"convert", "compress"})
    expect_failure(swiftlet({command, kSmall, "-o", scratch.path("pipe.swiftlet")}), "is not a regular file");
  expect_failure(swiftlet({"convert", kSmall, "-o", scratch.path("x.onnx")}),
                 ".onnx files cannot be written");
  const std::string file = scratch.write("out", "precious");
  expect_failure(swiftlet({"convert", kSmall, "-o", file}), "out] is a file: expected a folder");
  EXPECT_EQ(read(file), "precious");
}

TEST(BadOutput, TheModelThatIsReadIsNeverReplaced) {
  const Scratch scratch;
  const std::string native = scratch.path("x.swiftlet");
  ASSERT_EQ(swiftlet({"convert", kSmall, "-o", native}).status, 0);
  ASSERT_EQ(swiftlet({"convert", kSmall, "-o", scratch.path("model")}).status, 0);
  std::filesystem::create_symlink(native, scratch.path("link.swiftlet"));
  std::filesystem::create_hard_link(scratch.path("model/model.safetensors"), scratch.path("hard.swiftlet"));
  const std::string before = read(native), weights = read(scratch.path("model/model.safetensors"));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {native, native},
           {native, scratch.path("link.swiftlet")},
           {scratch.path("link.swiftlet"), native},
           {scratch.path("model"), scratch.path("model")},
           {scratch.path("model"), scratch.path("model/../model/")},
           {scratch.path("model/model.safetensors"), scratch.path("model")},
           {scratch.path("model"), scratch.path("hard.swiftlet")}}) {
    const Result result = swiftlet({"convert", from, "-o", to});
    EXPECT_EQ(result.status, 2) << from << " to " << to << result.err;
    EXPECT_EQ(error_lines(result.err), 1u) << result.err;
    EXPECT_THAT(result.err, HasSubstr("would replace the model that is read"));
  }
  EXPECT_EQ(read(native), before);
  EXPECT_EQ(read(scratch.path("model/model.safetensors")), weights);
  // Beside the model is another matter.
  EXPECT_EQ(swiftlet({"convert", scratch.path("model"), "-o", scratch.path("model/small.swiftlet")}).status,
            0);
  EXPECT_EQ(swiftlet({"convert", scratch.path("model"), "-o", scratch.path("model/small.swiftlet")}).status,
            0);
}

TEST(BadOutput, NoPartOfAnotherModelStaysInAFolder) {
  const Scratch scratch;
  const std::string folder = scratch.path("folder");
  ASSERT_EQ(swiftlet({"convert", kSmall, "-o", folder}).status, 0);
  EXPECT_EQ(swiftlet({"convert", kSmall, "-o", folder}).status, 0) << "its own files may be replaced";
  const std::string weights = read(folder + "/model.safetensors");
  scratch.write("folder/modules.json", "[]");
  const Result result = swiftlet({"convert", kSmall, "-o", folder});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("modules.json] is of another model and would be read with this one"));
  EXPECT_EQ(read(folder + "/model.safetensors"), weights);
}

// Root may do everything, so the program runs as somebody else.
TEST(BadOutput, MissingRightsAreNamed) {
  const Scratch scratch;
  Start start;
  start.user = ::geteuid() == 0 ? 65534 : 0;
  if (swiftlet({"version"}, start).status != 0) GTEST_SKIP() << "another user may not start the program here";
  const std::string model = scratch.write("x.bin", read(SWIFTLET_SOURCE_DIR "/" + std::string(kSmall)));
  std::filesystem::create_directory(scratch.path("closed"));
  std::filesystem::permissions(scratch.path("closed"), std::filesystem::perms(0555));
  for (const std::string command : {"convert", "compress"})
    expect_failure(swiftlet({command, kSmall, "-o", scratch.path("closed/y.swiftlet")}, start),
                   "closed/y.swiftlet] cannot be created: Permission denied");
  expect_failure(swiftlet({"convert", kSmall, "-o", scratch.path("closed/folder")}, start),
                 "closed/folder] cannot be created: Permission denied");
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path("closed")));
  std::filesystem::permissions(model, std::filesystem::perms::none);
  expect_failure(swiftlet({"convert", model, "-o", scratch.path("y.swiftlet")}, start),
                 "x.bin] cannot be opened: Permission denied");
}

}  // namespace
}  // namespace swiftlet::cli_test
