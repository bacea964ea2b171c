// A model's file that another program cuts short while it is in use: one line and status 1, no SIGBUS.
#include <filesystem>
#include <fstream>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;

bool has_mapped(pid_t process, const std::string& path) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.ends_with(path)) return true;
  return false;
}

// Runs the command again and again, each time on a whole file that is cut short once the process has mapped
// it (and, where asked, has printed something). Some runs may be done before; at least one must meet it.
void cut_while_it_runs(const std::vector<std::string>& words, const std::string& file, bool after_output) {
  const std::string whole = read(file);
  int met = 0;
  for (int round = 0; round < 60 && met < 3; ++round) {
    std::ofstream(file, std::ios::binary) << whole;
    Start start;
    bool cut = false;
    start.watch = [&](pid_t process, const Result& so_far) {
      if (cut || (after_output ? so_far.out.empty() : !has_mapped(process, file))) return;
      std::filesystem::resize_file(file, 4096);
      cut = true;
    };
    const Result result = swiftlet(words, start);
    if (result.status == 0) continue;
    ++met;
    ASSERT_EQ(result.status, 1) << result.err;
    EXPECT_EQ(error_lines(result.err), 1u) << result.err;
    EXPECT_THAT(result.err, HasSubstr(file + "] was cut short while it was in use"));
  }
  EXPECT_GT(met, 0) << "the file was never cut in time";
  std::ofstream(file, std::ios::binary) << whole;
}

class Shrink : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string from = SWIFTLET_SOURCE_DIR "/assets/stories-7m/";
    for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"})
      source_.write(name, read(from + name));
    ASSERT_EQ(swiftlet({"compress", source_.path(""), "-o", native_}).status, 0);
  }
  Scratch source_, scratch_;
  std::string native_ = scratch_.path("x.swiftlet");
};

TEST_F(Shrink, WhileItIsVerified) {
  cut_while_it_runs({"inspect", native_, "--verify"}, native_, false);
}

TEST_F(Shrink, WhileItRuns) {
  cut_while_it_runs({"run", native_, "Once upon a time", "-n", "200"}, native_, true);
}

TEST_F(Shrink, WhileItIsCompressed) {
  const std::string out = scratch_.path("y.swiftlet"), model = source_.path("model.safetensors");
  cut_while_it_runs({"compress", source_.path(""), "-o", out, "--weights", "int4"}, model, false);
}

TEST_F(Shrink, WhileItIsConverted) {
  const std::string out = scratch_.path("y");
  cut_while_it_runs({"convert", native_, "-o", out}, native_, false);
}

}  // namespace
}  // namespace swiftlet::cli_test
