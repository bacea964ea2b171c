#include "swiftlet/hub/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "swiftlet/io/test_files.h"

namespace swiftlet::hub {
namespace {

using ::swiftlet::testing::message_of;
using ::swiftlet::testing::TemporaryFolder;
using ::swiftlet::testing::write_file;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The variables that count, unset until the test sets them.
class HubSettings : public ::testing::Test {
 protected:
  HubSettings() {
    for (const char* name :
         {"HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN",
          "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_HUB_OFFLINE",
          "TRANSFORMERS_OFFLINE", "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"})
      ::unsetenv(name);
    set("HOME", folder_.path().string());
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  TemporaryFolder folder_;
};

TEST_F(HubSettings, FoldersAreThoseOfHuggingfaceHub) {
  EXPECT_EQ(Settings::from_environment().cache, folder_ / ".cache/huggingface/hub");
  set("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(Settings::from_environment().cache, "/xdg/huggingface/hub");
  set("HF_HOME", "~/hf");
  EXPECT_EQ(Settings::from_environment().cache, folder_ / "hf/hub");
  set("HF_HUB_CACHE", "/cache");
  EXPECT_EQ(Settings::from_environment().cache, "/cache");
}

TEST_F(HubSettings, TokensComeFromTheVariableOrTheFile) {
  EXPECT_EQ(Settings::from_environment().token, "");
  write_file(folder_ / ".cache/huggingface/token", "hf_file\n");
  EXPECT_EQ(Settings::from_environment().token, "hf_file");
  set("HF_TOKEN", " hf_variable ");
  EXPECT_EQ(Settings::from_environment().token, "hf_variable");
  set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
  EXPECT_EQ(Settings::from_environment().token, "");
}

TEST_F(HubSettings, BadTokensAreNotShown) {
  set("HF_TOKEN", "hf_a\nX-Header: 1");
  EXPECT_THAT(message_of([] { Settings::from_environment(); }),
              AllOf(HasSubstr("is no token"), Not(HasSubstr("hf_a"))));
}

TEST_F(HubSettings, MirrorsAreHttp) {
  set("HF_ENDPOINT", "https://mirror.example/hub/");
  EXPECT_EQ(Settings::from_environment().endpoint, "https://mirror.example/hub");
  set("HF_ENDPOINT", "mirror.example");
  EXPECT_THAT(message_of([] { Settings::from_environment(); }),
              HasSubstr("[HF_ENDPOINT] expected an address"));
}

TEST_F(HubSettings, OfflineIsASwitch) {
  EXPECT_FALSE(Settings::from_environment().offline);
  for (const char* value : {"1", "true", "ON", "yes"}) {
    set("HF_HUB_OFFLINE", value);
    EXPECT_TRUE(Settings::from_environment().offline) << value;
  }
  set("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(Settings::from_environment().offline);
  set("HF_HUB_DOWNLOAD_TIMEOUT", "7");
  EXPECT_EQ(Settings::from_environment().stall_timeout, std::chrono::seconds(7));
}

}  // namespace
}  // namespace swiftlet::hub
