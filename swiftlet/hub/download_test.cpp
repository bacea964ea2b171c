#include "swiftlet/hub/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "swiftlet/hub/cache_folder.h"
#include "swiftlet/io/test_files.h"
#include "swiftlet/warnings.h"
#include "tests/support/hub_server.h"

namespace swiftlet::hub {
namespace {

namespace fs = std::filesystem;
using ::swiftlet::testing::HubServer;
using ::swiftlet::testing::message_of;
using ::swiftlet::testing::read_file;
using ::swiftlet::testing::ServerAnswer;
using ::swiftlet::testing::ServerRequest;
using ::swiftlet::testing::TemporaryFolder;
using ::swiftlet::testing::write_file;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;

// Bytes that look like nothing else.
std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

class Hub : public ::testing::Test {
 protected:
  Hub() {
    server_.add("org/name", "config.json", "{}");
    server_.add("org/name", "tokenizer.json", "{\"a\": 1}");
    server_.add("org/name", "model.safetensors", weights_, true);
    server_.add("org/name", "model.onnx", "not this", true);
    settings_.endpoint = server_.url();
    settings_.cache = folder_ / "hub";
    settings_.retry_delay = std::chrono::milliseconds(1);
    settings_.stall_timeout = std::chrono::seconds(2);
  }
  Downloaded get(const char* name = "org/name", const Job& job = {}) const {
    return download(*parse_model_name(name), settings_, job);
  }
  std::string error(const char* name = "org/name") const {
    return message_of([&] { get(name); });
  }
  std::optional<Downloaded> cached(const char* name = "org/name") const {
    return find_in_cache(*parse_model_name(name), settings_);
  }
  void fault(const char* path, std::function<void(const ServerRequest&, ServerAnswer&)> change, int times = 1,
             const char* method = "GET") {
    server_.fault({.path = path, .method = method, .times = times, .change = std::move(change)});
  }
  fs::path repository() const { return settings_.cache / "models--org--name"; }
  fs::path blob() const { return repository() / "blobs" / sha256(weights_); }
  fs::path part() const { return blob().string() + ".incomplete"; }

  std::string weights_ = noise(300'000);
  HubServer server_;
  TemporaryFolder folder_;
  Settings settings_;
};

TEST_F(Hub, DownloadsWhatAModelNeedsIntoTheStandardLayout) {
  const Downloaded got = get();
  const std::string commit = server_.commit("org/name");
  EXPECT_EQ(got.commit, commit);
  EXPECT_EQ(got.model, repository() / "snapshots" / commit);
  EXPECT_EQ(got.files, 3);
  EXPECT_EQ(got.bytes, 300'010);
  EXPECT_EQ(got.fetched_bytes, got.bytes);
  EXPECT_EQ(read_file(got.model / "model.safetensors"), weights_);
  EXPECT_EQ(read_file(repository() / "refs" / "main"), commit);
  EXPECT_EQ(fs::read_symlink(got.model / "model.safetensors"), "../../blobs/" + sha256(weights_));
  EXPECT_EQ(fs::read_symlink(got.model / "config.json"), "../../blobs/" + HubServer::git_sha1("{}"));
  EXPECT_TRUE(fs::exists(settings_.cache / ".locks" / "models--org--name" / (sha256(weights_) + ".lock")));
  EXPECT_TRUE(fs::exists(settings_.cache / "CACHEDIR.TAG"));
  EXPECT_FALSE(fs::exists(part()));
  EXPECT_FALSE(fs::exists(got.model / "model.onnx"));
  std::size_t blobs = 0;
  for (const auto& entry : fs::directory_iterator(repository() / "blobs"))
    blobs += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(blobs, 3u);
}

TEST_F(Hub, WhatIsInTheCacheNeedsNoConnection) {
  EXPECT_FALSE(cached());
  get();
  server_.forget();
  EXPECT_EQ(cached()->model, get().model);  // asks for the revision alone
  EXPECT_EQ(server_.seen().size(), 1u);
  server_.forget();
  settings_.offline = true;
  EXPECT_EQ(get().files, 3);
  EXPECT_EQ(cached()->bytes, 300'010);
  EXPECT_TRUE(server_.seen().empty());
  EXPECT_THAT(error("org/other"),
              AllOf(HasSubstr("[org/other] is no file or folder here"), HasSubstr("not in the cache")));
  EXPECT_THAT(error("org/name@dev"), HasSubstr("at revision dev, not in the cache"));
  EXPECT_TRUE(server_.seen().empty());
}

TEST_F(Hub, WithoutANetworkTheCacheServes) {
  get();
  server_.stop();
  EXPECT_EQ(get().files, 3);
  EXPECT_THAT(error("org/other"),
              HasSubstr("[org/other] is no file or folder here and cannot be had from http://127"));
}

TEST_F(Hub, AnIncompleteSnapshotIsCompleted) {
  const Downloaded whole = get();
  fs::remove(whole.model / "model.safetensors");
  fs::remove(blob());
  EXPECT_FALSE(cached());
  settings_.offline = true;
  EXPECT_THAT(error(), HasSubstr("is only in part in the cache"));
  settings_.offline = false;
  server_.forget();
  EXPECT_EQ(get().fetched_bytes, 300'000);
  EXPECT_EQ(server_.count("GET", "config.json"), 0);
}

TEST_F(Hub, ANewCommitTakesWhatDidNotChangeFromTheOld) {
  const Downloaded before = get();
  server_.add("org/name", "config.json", "{\"new\": true}");
  EXPECT_EQ(cached()->commit, before.commit);  // nobody asked
  const Downloaded after = get();
  EXPECT_NE(after.commit, before.commit);
  EXPECT_EQ(after.fetched_bytes, 13);
  EXPECT_EQ(cached()->commit, after.commit);
  EXPECT_EQ(read_file(before.model / "config.json"), "{}");
  EXPECT_EQ(cached(("org/name@" + before.commit).c_str())->commit, before.commit);
}

TEST_F(Hub, ModelsWithoutATokenizerAreKnownToHaveNone) {
  server_.add("org/bare", "config.json", "{}");
  server_.add("org/bare", "model.safetensors", "x", true);
  get("org/bare");
  EXPECT_TRUE(cached("org/bare"));
}

TEST_F(Hub, RepositoriesThatMovedAreFollowed) {
  server_.forward("old/name", "org/name");
  EXPECT_EQ(read_file(get("old/name").model / "model.safetensors"), weights_);
}

TEST_F(Hub, DropsAreResumed) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.cut_after = 100'000; });
  EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_);
  std::vector<std::string> ranges;
  for (const auto& seen : server_.seen())
    if (seen.storage) ranges.push_back(seen.request.header("range"));
  EXPECT_THAT(ranges, ::testing::ElementsAre("", "bytes=100000-"));
}

TEST_F(Hub, ManyDropsAreResumedAsLongAsSomethingComes) {
  fault(
      "/stored/", [](const auto&, ServerAnswer& answer) { answer.cut_after = 30'000; }, 9);
  EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_);
}

TEST_F(Hub, DropsWithoutEndAreAnErrorAndThePartIsTakenUpLater) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.cut_after = 70'000; });
  fault(
      "/stored/", [](const auto&, ServerAnswer& answer) { answer.cut_after = 0; }, settings_.attempts - 1);
  EXPECT_THAT(error(), HasSubstr("[org/name/model.safetensors] cannot be had from"));
  EXPECT_EQ(fs::file_size(part()), 70'000u);
  // The small files come at the same time: they may be there already.
  EXPECT_THAT(get().fetched_bytes, AllOf(Ge(230'000), Le(230'010)));
  EXPECT_EQ(read_file(blob()), weights_);
}

TEST_F(Hub, AServerThatKnowsNoRangesSendsAllAgain) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.cut_after = 100'000; });
  fault("/stored/", [&](const auto&, ServerAnswer& answer) {
    answer.status = 200;
    answer.body = weights_;
  });
  EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_);
}

TEST_F(Hub, APartThatWasDamagedIsFetchedAnew) {
  write_file(part(), "damaged");
  EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_);
  write_file(part(), weights_ + "too long");
  fs::remove(blob());
  EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_);
}

TEST_F(Hub, APartThatIsWholeIsCheckedAndTaken) {
  write_file(part(), weights_);
  EXPECT_EQ(get().fetched_bytes, 10);
}

TEST_F(Hub, WrongBytesAreAnErrorAndLeaveNothing) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.body[200'000] ^= 1; });
  EXPECT_THAT(error(), AllOf(HasSubstr("[org/name/model.safetensors] the checksum is"),
                             HasSubstr(sha256(weights_)), HasSubstr("the part was deleted")));
  EXPECT_FALSE(fs::exists(part()));
  EXPECT_FALSE(fs::exists(blob()));
  EXPECT_FALSE(cached());
  EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_);
}

TEST_F(Hub, WrongBytesOfASmallFileAreAnErrorToo) {
  fault(
      "resolve-cache/models/org/name/resolve",
      [](const auto& request, ServerAnswer& answer) {
        if (request.path.ends_with("config.json")) answer.body = "[]";
      },
      2);
  EXPECT_THAT(error(),
              AllOf(HasSubstr("[org/name/config.json] the checksum"), HasSubstr(HubServer::git_sha1("{}"))));
}

TEST_F(Hub, MoreBytesThanPromisedAreRefusedAtOnce) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.endless = true; });
  EXPECT_THAT(error(),
              HasSubstr("more bytes came than the 300000 that the hub promised; the part was deleted"));
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(Hub, FewerBytesThanPromisedAreNotTakenForTheFile) {
  fault(
      "/stored/",
      [&](const auto&, ServerAnswer& answer) {
        answer = {.body = weights_.substr(0, 1000)};  // whatever was asked for
      },
      100);
  EXPECT_THAT(error(), HasSubstr("the answer ended after 1000 of 300000 bytes"));
  EXPECT_FALSE(fs::exists(blob()));
  EXPECT_EQ(server_.count("GET", "/stored/"), settings_.attempts);
}

TEST_F(Hub, AbsurdSizesAreRefusedBeforeAByteComes) {
  fault(
      "model.safetensors",
      [](const auto&, ServerAnswer& answer) {
        for (auto& [name, value] : answer.headers)
          if (name == "X-Linked-Size") value = "9000000000000000000";
      },
      1, "HEAD");
  EXPECT_THAT(error(), AllOf(HasSubstr("needs 9000000000000000000 bytes more"), HasSubstr("left")));
  EXPECT_EQ(server_.count("GET", "/stored/"), 0);
}

TEST_F(Hub, BusyServersAreAskedAgain) {
  for (const char* path : {"/api/models/", "/stored/", "config.json"})
    fault(
        path, [](const auto&, ServerAnswer& answer) { answer = {.status = 503, .body = "busy"}; }, 2);
  fault(
      "model.safetensors", [](const auto&, ServerAnswer& answer) { answer = {.status = 500}; }, 1, "HEAD");
  EXPECT_EQ(get().files, 3);
}

TEST_F(Hub, TheServerSaysWhenToComeAgain) {
  fault("/api/models/", [](const auto&, ServerAnswer& answer) {
    answer = {.status = 429, .headers = {{"Retry-After", "1"}}};
  });
  const auto start = std::chrono::steady_clock::now();
  get();
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(950));
}

TEST_F(Hub, ServersThatStayBusyAreAnError) {
  fault(
      "/api/models/", [](const auto&, ServerAnswer& answer) { answer = {.status = 502}; }, 100);
  EXPECT_THAT(error(), AllOf(HasSubstr("[org/name] is no file or folder here and cannot be had from"),
                             HasSubstr("status 502")));
  EXPECT_EQ(server_.count("GET", "/api/models/"), settings_.attempts);
}

TEST_F(Hub, ServersThatSayNothingAreAnError) {
  settings_.attempts = 1;
  settings_.stall_timeout = std::chrono::seconds(1);
  fault("/api/models/", [](const auto&, ServerAnswer& answer) { answer.delay = std::chrono::seconds(20); });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(error(), HasSubstr("cannot be had from"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(Hub, UnknownThingsAreNamed) {
  EXPECT_THAT(error("org/nobody"),
              AllOf(HasSubstr("[org/nobody] is no file or folder here"), HasSubstr("knows no such")));
  EXPECT_THAT(error("org/name@v9"), HasSubstr("[org/name] has no revision v9"));
  EXPECT_THAT(error("org/name/x.gguf"), HasSubstr("[org/name/x.gguf] the repository has no such file"));
}

TEST_F(Hub, GatedRepositoriesTellWhatToDo) {
  server_.close("org/name", "hf_right");
  EXPECT_THAT(error(), AllOf(HasSubstr("accepted its licence"), HasSubstr("set HF_TOKEN")));
  settings_.token = "hf_wrong";
  EXPECT_THAT(error(), AllOf(HasSubstr("accepted its licence"), Not(HasSubstr("hf_wrong"))));
  settings_.token = "hf_right";
  EXPECT_EQ(get().files, 3);
}

TEST_F(Hub, TheTokenStaysWithTheHub) {
  settings_.token = "hf_secret";
  get();
  int hub = 0, storage = 0;
  for (const auto& seen : server_.seen()) {
    (seen.storage ? storage : hub) += 1;
    EXPECT_EQ(seen.request.header("authorization"), seen.storage ? "" : "Bearer hf_secret");
  }
  EXPECT_GT(hub, 3);
  EXPECT_EQ(storage, 1);
}

TEST_F(Hub, RedirectsEnd) {
  fault(
      "/api/models/",
      [](const auto& request, ServerAnswer& answer) {
        answer = {.status = 302, .headers = {{"Location", request.path}}};
      },
      100);
  EXPECT_THAT(error(), HasSubstr("more than 10 redirects"));
  EXPECT_EQ(server_.count("GET", "/api/models/"), 11);
}

TEST_F(Hub, RedirectsLeadToNothingButHttp) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) {
    answer = {.status = 302, .headers = {{"Location", "file:///etc/passwd"}}};
  });
  EXPECT_THAT(error(), HasSubstr("sends to what is no http address"));
}

TEST_F(Hub, EtagsBecomeNoPaths) {
  fault(
      "resolve-cache", [](const auto&, ServerAnswer& answer) { answer.headers.clear(); }, 1, "HEAD");
  EXPECT_THAT(error(), HasSubstr("by an ETag that no file can have: \"\""));
  for (const char* etag : {"\"../../../etc/x\"", "\"a/b\"", "\"\"", "\".hidden\"", "\"a b\""}) {
    fs::remove_all(settings_.cache);  // files come at the same time: the weights may be there already
    fault(
        "model.safetensors",
        [etag](const auto&, ServerAnswer& answer) {
          answer.headers[2] = {"X-Linked-Etag", etag};
        },
        1, "HEAD");
    EXPECT_THAT(error(), HasSubstr("by an ETag that no file can have")) << etag;
  }
}

TEST_F(Hub, WithoutAChecksumTheSizeIsCheckedAndAWarningSaysSo) {
  fault(
      "model.safetensors",
      [](const auto&, ServerAnswer& answer) {
        answer.headers[2] = {"X-Linked-Etag", "\"abc-7\""};
      },
      1, "HEAD");
  std::string warned;
  set_warning_handler([&](std::string_view text) { warned += text; });
  const Downloaded got = get();
  set_warning_handler({});
  EXPECT_THAT(warned, HasSubstr("[org/name/model.safetensors] the hub gives no checksum"));
  EXPECT_EQ(fs::read_symlink(got.model / "model.safetensors"), "../../blobs/abc-7");
}

TEST_F(Hub, ListsThatLieAreRefused) {
  const auto answer_with = [&](const std::string& body) {
    fault("/api/models/", [body](const auto&, ServerAnswer& answer) { answer.body = body; });
    return error();
  };
  const std::string commit(40, 'a');
  EXPECT_THAT(answer_with(R"({"sha": ")" + commit + R"(", "siblings": [{"rfilename": "../../x"}]})"),
              HasSubstr("leads out of its folder: \"../../x\""));
  EXPECT_THAT(answer_with(R"({"sha": "../..", "siblings": []})"), HasSubstr("expected the commit"));
  EXPECT_THAT(answer_with(R"({"sha": ")" + commit + R"(", "siblings": 7})"), HasSubstr("siblings"));
  EXPECT_THAT(answer_with(R"({"sha": ")" + commit + R"(", "siblings": [7]})"),
              HasSubstr("leads out of its folder"));
  EXPECT_THAT(answer_with(R"({"sha": ")" + commit + R"("})"), HasSubstr("siblings"));
  EXPECT_THAT(answer_with("[]"), HasSubstr("expected the commit"));
  EXPECT_THAT(answer_with("<html>"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(answer_with(std::string(100'000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(answer_with(std::string(9 << 20, ' ')), HasSubstr("its list of files is over"));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

TEST_F(Hub, EndlessAnswersEnd) {
  fault("/api/models/", [](const auto&, ServerAnswer& answer) { answer.endless = true; });
  EXPECT_THAT(error(), HasSubstr("its list of files is over"));
  fault("/api/models/", [](const auto&, ServerAnswer& answer) {
    answer = {.status = 404, .body = std::string(10'000, 'x'), .endless = true};
  });
  EXPECT_THAT(error(), HasSubstr("sends an endless redirect or error"));
  fault(
      "/api/models/",
      [](const auto&, ServerAnswer& answer) {
        for (int i = 0; i < 30; ++i)
          answer.headers.emplace_back("X-" + std::to_string(i), std::string(50'000, 'x'));
      },
      100);
  // By libcurl itself where it bounds them.
  EXPECT_THAT(error(), AnyOf(HasSubstr("the head of an answer is over"), HasSubstr("headers")));
}

TEST_F(Hub, ProgressComesOnTheCallersThreadAndMayEndTheWork) {
  const auto caller = std::this_thread::get_id();
  std::int64_t last = 0, total = 0;
  get("org/name", Job([&](std::string_view stage, std::int64_t done, std::int64_t all) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_EQ(stage, "download");
        last = done;
        total = all;
      }));
  EXPECT_EQ(last, 300'010);
  EXPECT_EQ(total, last);
}

TEST_F(Hub, ACancelledDownloadLeavesAPartToGoOnWith) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.pace = std::chrono::milliseconds(20); });
  Job job([&](std::string_view, std::int64_t done, std::int64_t) {
    if (done > 50'000) job.cancel();
  });
  EXPECT_THAT(message_of([&] { get("org/name", job); }), HasSubstr("interrupted"));
  const auto kept = fs::file_size(part());
  EXPECT_GT(kept, 20'000u);
  EXPECT_LE(get().fetched_bytes, std::int64_t(300'010 - kept));
}

TEST_F(Hub, AFullDiskKeepsWhatItHolds) {
  // Blobs lie on a file system that takes no more: /dev/full as a folder does not exist, so a limit stands
  // in.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{}, small{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = 100'000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string told = error();
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  EXPECT_THAT(told, HasSubstr("writing failed after 100000 bytes: File too large"));
  EXPECT_EQ(fs::file_size(part()), 100'000u);
  EXPECT_LE(get().fetched_bytes, 200'010);  // the small files may not have come before the fault
}

TEST_F(Hub, ThreadsThatWantTheSameModelFetchItOnce) {
  fault("/stored/", [](const auto&, ServerAnswer& answer) { answer.pace = std::chrono::milliseconds(5); });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { EXPECT_EQ(read_file(get().model / "model.safetensors"), weights_); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server_.count("GET", "/stored/"), 1);
}

TEST_F(Hub, ManyFilesComeAtOnceThreads) {
  nlohmann::json map;
  for (int i = 0; i < 12; ++i) {
    const std::string shard = "model-" + std::to_string(i) + ".safetensors";
    server_.add("org/shards", shard, noise(std::size_t(20'000 + i)), true);
    map["weight" + std::to_string(i)] = shard;
  }
  server_.add("org/shards", "config.json", "{}");
  server_.add("org/shards", "model.safetensors.index.json", nlohmann::json{{"weight_map", map}}.dump());
  fault(
      "/stored/", [](const auto&, ServerAnswer& answer) { answer.cut_after = 10'000; }, 6);
  const Downloaded got = get("org/shards");
  EXPECT_EQ(got.files, 14);
  EXPECT_EQ(read_file(got.model / "model-7.safetensors"), noise(20'007));
}

TEST(HubCache, FilesOfOtherProgramsAreFoundByTheirRefs) {
  const TemporaryFolder folder;
  const std::string commit(40, 'b');
  const fs::path repository = folder / "models--o--n";
  write_file(repository / "refs" / "main", commit);
  write_file(repository / "snapshots" / commit / "config.json", "{}");
  write_file(repository / "snapshots" / commit / "model.safetensors", "x");
  Settings settings{.cache = folder.path(), .offline = true};
  const auto found = find_in_cache(*parse_model_name("o/n"), settings);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->commit, commit);
  settings.offline = false;  // a tokenizer may be missing
  EXPECT_FALSE(find_in_cache(*parse_model_name("o/n"), settings));
  write_file(repository / "refs" / "main", "../../etc");
  EXPECT_FALSE(find_in_cache(*parse_model_name("o/n"), settings));
}

}  // namespace
}  // namespace swiftlet::hub
