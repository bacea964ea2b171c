// Names of the hub at the command line, against a hub on this machine.
#include <signal.h>

#include "tests/cli/process.h"
#include "tests/support/hub_server.h"

namespace swiftlet::cli_test {
namespace {

using ::swiftlet::testing::HubServer;
using ::swiftlet::testing::ServerAnswer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HubNames : public ::testing::Test {
 protected:
  HubNames() {
    add_folder("assets/stories-7m", "tales/stories-7m");
    server_.add("tales/stories-7m", "README.md", "a card");
    server_.add("tales/stories-7m", "onnx/model.onnx", "not this", true);
  }
  void add_folder(const std::string& folder, const std::string& repository) {
    const std::filesystem::path root = std::filesystem::path(SWIFTLET_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file()) continue;
      const std::string content = read(entry.path().string());
      server_.add(repository, entry.path().lexically_relative(root).string(), content,
                  content.size() > 100'000);
    }
  }
  Start online(std::vector<std::string> more = {}) const {
    Start start;
    start.environment = {"HF_HUB_OFFLINE=0", "HF_ENDPOINT=" + server_.url(), "HF_HOME=" + scratch_.path("hf"),
                         "no_proxy=127.0.0.1"};
    start.environment.insert(start.environment.end(), more.begin(), more.end());
    return start;
  }
  std::string snapshot(const std::string& repository) {
    std::string folder = "models--" + repository;
    folder.replace(folder.find('/'), 1, "--");
    return scratch_.path("hf/hub/" + folder + "/snapshots/" + server_.commit(repository));
  }

  Scratch scratch_;
  HubServer server_;
};

TEST_F(HubNames, RunDownloadsOnceAndAnswersAsFromTheFolder) {
  const std::vector<std::string> rest{"Once upon a time", "-n", "8", "--quiet"};
  const auto run = [&](const std::string& model, const Start& start) {
    std::vector<std::string> words{"run", model};
    words.insert(words.end(), rest.begin(), rest.end());
    return swiftlet(words, start);
  };
  const Result local = run("assets/stories-7m", {});
  const Result first = run("tales/stories-7m", online());
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, local.out);
  server_.forget();
  EXPECT_EQ(run("tales/stories-7m", online()).out, local.out);
  EXPECT_TRUE(server_.seen().empty()) << "what the cache holds needs no hub";
  EXPECT_EQ(run("tales/stories-7m@" + server_.commit("tales/stories-7m"), online({"HF_HUB_OFFLINE=1"})).out,
            local.out);
  EXPECT_EQ(run("tales/stories-7m/model.safetensors", online()).out, local.out);
}

TEST_F(HubNames, DownloadPrintsWhereTheModelIs) {
  const Result result = swiftlet({"download", "tales/stories-7m"}, online());
  EXPECT_EQ(result.out, snapshot("tales/stories-7m") + "\n");
  EXPECT_THAT(result.err, HasSubstr("4 files, 14.2 MB; downloaded 14.2 MB"));
  const auto json =
      json_of(swiftlet({"download", "tales/stories-7m", "--revision", "main", "--json"}, online()));
  EXPECT_EQ(json["downloaded_bytes"], 0);
  EXPECT_EQ(json["commit"], server_.commit("tales/stories-7m"));
  EXPECT_EQ(json["revision"], "main");
  EXPECT_EQ(json["files"], 4);
}

TEST_F(HubNames, OtherCommandsTakeThemToo) {
  EXPECT_EQ(swiftlet({"tokenize", "tales/stories-7m"}, online()).status, 0);
  const std::string out = scratch_.path("x.swiftlet");
  EXPECT_EQ(swiftlet({"convert", "tales/stories-7m", "-o", out}, online()).status, 0);
  EXPECT_EQ(swiftlet({"compress", "tales/stories-7m", "-o", out}, online()).status, 0);
  EXPECT_EQ(swiftlet({"inspect", "tales/stories-7m"}, online()).status, 0);
  add_folder("tests/data/sentence/dense", "sentences/dense");
  const Result vectors = swiftlet({"embed", "sentences/dense", "a small swift"}, online());
  EXPECT_EQ(vectors.status, 0) << vectors.err;
  EXPECT_EQ(vectors.out, swiftlet({"embed", "tests/data/sentence/dense", "a small swift"}).out);
}

TEST_F(HubNames, GgufFilesAreNamedByFileOrEncoding) {
  const std::string folder = SWIFTLET_SOURCE_DIR "/tests/data/gguf/llama-blocks/";
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".gguf") bytes = read(entry.path().string());
  ASSERT_FALSE(bytes.empty());
  server_.add("tales/gguf", "tale-Q8_0.gguf", bytes, true);
  server_.add("tales/gguf", "tale-F16.gguf", "not this", true);
  for (const char* name : {"tales/gguf", "tales/gguf:q8_0", "tales/gguf/tale-Q8_0.gguf"}) {
    const Result result = swiftlet({"run", name, "Once", "-n", "2"}, online());
    EXPECT_EQ(result.status, 0) << result.err;
  }
  EXPECT_EQ(server_.count("GET", "tale-F16"), 0);
  const Result none = swiftlet({"run", "tales/gguf:Q2_K", "Once"}, online());
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("is named after Q2_K: it holds tale-F16.gguf, tale-Q8_0.gguf"));
}

TEST_F(HubNames, ALocalFolderComesFirst) {
  server_.add("assets/stories-7m", "config.json", "{}");
  EXPECT_EQ(swiftlet({"inspect", "assets/stories-7m"}, online()).status, 0);
  EXPECT_TRUE(server_.seen().empty());
}

TEST_F(HubNames, OfflineAsksNobody) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"run", "tales/stories-7m", "x", "--offline"},
           {"download", "tales/stories-7m", "--offline"},
           {"convert", "tales/stories-7m", "-o", scratch_.path("x.swiftlet"), "--offline"}}) {
    const Result result = swiftlet(words, online());
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(error_lines(result.err), 1u);
    EXPECT_THAT(result.err, AllOf(HasSubstr("[tales/stories-7m]"),
                                  HasSubstr("not in the cache " + scratch_.path("hf/hub")),
                                  HasSubstr("offline nothing is downloaded")));
  }
  EXPECT_TRUE(server_.seen().empty());
}

TEST_F(HubNames, FaultsAreOneLine) {
  const auto fails = [&](const std::vector<std::string>& words, const Start& start, int status) {
    const Result result = swiftlet(words, start);
    EXPECT_EQ(result.status, status);
    EXPECT_EQ(error_lines(result.err), 1u) << result.err;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(fails({"run", "tales/none", "x"}, online(), 1),
              HasSubstr("[tales/none] is no file or folder here, and http://"));
  EXPECT_THAT(fails({"run", "tales/stories-7m@v9", "x"}, online(), 1), HasSubstr("has no revision v9"));
  EXPECT_THAT(fails({"download", "stories-7m"}, online(), 2), HasSubstr("is no name of the hub"));
  server_.close("tales/stories-7m", "hf_right");
  const std::string refused = fails({"run", "tales/stories-7m", "x"}, online({"HF_TOKEN=hf_wrong"}), 1);
  EXPECT_THAT(refused, AllOf(HasSubstr("accepted its licence"), Not(HasSubstr("hf_wrong"))));
  EXPECT_EQ(swiftlet({"download", "tales/stories-7m"}, online({"HF_TOKEN=hf_right"})).status, 0);
  Start elsewhere = online({"HF_ENDPOINT=http://127.0.0.1:1"});
  EXPECT_THAT(fails({"run", "tales/other", "x"}, elsewhere, 1),
              HasSubstr("cannot be had from http://127.0.0.1:1"));
  EXPECT_THAT(fails({"run", "tales/other", "x"}, online({"HF_ENDPOINT=mirror"}), 2),
              HasSubstr("[HF_ENDPOINT]"));
}

TEST_F(HubNames, AnInterruptLeavesAPartThatIsGoneOnWith) {
  server_.fault({.path = "/stored/", .change = [](const auto&, ServerAnswer& answer) {
                   answer.pace = std::chrono::milliseconds(2);
                 }});
  Start start = online();
  bool sent = false;
  start.watch = [&](pid_t child, const Result&) {
    std::error_code ignored;
    if (sent || server_.count("GET", "/stored/") == 0) return;
    const std::string blobs = scratch_.path("hf/hub/models--tales--stories-7m/blobs");
    for (const auto& entry : std::filesystem::directory_iterator(blobs, ignored))
      if (entry.path().extension() == ".incomplete" &&
          std::filesystem::file_size(entry.path(), ignored) > 200'000) {
        ::kill(child, SIGINT);
        sent = true;
      }
  };
  const Result stopped = swiftlet({"download", "tales/stories-7m"}, start);
  EXPECT_EQ(stopped.status, 130);
  EXPECT_THAT(stopped.err, HasSubstr("swiftlet: interrupted"));
  const auto json = json_of(swiftlet({"download", "tales/stories-7m", "--json"}, online()));
  EXPECT_LT(json["downloaded_bytes"].get<std::int64_t>(), json["file_bytes"].get<std::int64_t>() - 200'000);
}

TEST_F(HubNames, ProgressIsShownOnATerminal) {
  server_.fault({.path = "/stored/", .change = [](const auto&, ServerAnswer& answer) {
                   answer.pace = std::chrono::microseconds(500);
                 }});
  Start start = online();
  start.terminal_error = true;
  EXPECT_THAT(swiftlet({"download", "tales/stories-7m"}, start).err,
              AllOf(HasSubstr("download  ["), HasSubstr("/14.2 MB")));
}

}  // namespace
}  // namespace swiftlet::cli_test
