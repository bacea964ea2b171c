// Downloads over TLS: whom we trust, and where an encrypted connection may send us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "swiftlet/hub/download.h"
#include "swiftlet/io/test_files.h"
#include "tests/support/hub_server.h"
#include "tests/support/tls_front.h"

namespace swiftlet::hub {
namespace {

using ::swiftlet::testing::message_of;
using ::swiftlet::testing::read_file;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Tls : public ::testing::Test {
 protected:
  Tls() : front_(server_.port()) {
    server_.add("org/name", "config.json", "{}");
    settings_.endpoint = front_.url();
    settings_.cache = folder_ / "hub";
    settings_.retry_delay = std::chrono::milliseconds(1);
    for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}) ::unsetenv(name);
  }
  ~Tls() override { ::unsetenv("SSL_CERT_FILE"); }
  void trust() {
    front_.write_certificate(folder_ / "bundle.pem");
    ::setenv("SSL_CERT_FILE", (folder_ / "bundle.pem").c_str(), 1);
  }
  Downloaded get() const { return download(*parse_model_name("org/name"), settings_, {}); }

  ::swiftlet::testing::TemporaryFolder folder_;
  ::swiftlet::testing::HubServer server_;
  ::swiftlet::testing::TlsFront front_;
  Settings settings_;
};

TEST_F(Tls, DownloadsFromAServerWhoseCertificateIsTrusted) {
  trust();
  server_.add("org/name", "model.safetensors", std::string(100'000, 'x'));
  EXPECT_EQ(read_file(get().model / "model.safetensors"), std::string(100'000, 'x'));
}

TEST_F(Tls, RefusesACertificateThatNobodyKnows) {
  EXPECT_THAT(message_of([&] { get(); }),
              AllOf(HasSubstr("[" + front_.url()), HasSubstr("its certificate cannot be trusted")));
  EXPECT_TRUE(server_.seen().empty());  // nothing was said, the token least of all
}

TEST_F(Tls, RefusesACertificateForAnotherName) {
  trust();
  const std::string url = front_.url();
  settings_.endpoint = "https://localhost" + url.substr(url.rfind(':'));
  EXPECT_THAT(message_of([&] { get(); }), HasSubstr("its certificate cannot be trusted"));
  EXPECT_TRUE(server_.seen().empty());
}

TEST_F(Tls, NamesABundleThatIsMissing) {
  ::setenv("SSL_CERT_FILE", (folder_ / "nowhere.pem").c_str(), 1);
  EXPECT_THAT(message_of([&] { get(); }),
              AllOf(HasSubstr("its certificate cannot be trusted"), HasSubstr("nowhere.pem")));
}

// Large files lie on a second server of the hub, which speaks plain http.
TEST_F(Tls, IsNotSentFromHttpsToHttp) {
  trust();
  server_.add("org/name", "model.safetensors", "weights", true);
  EXPECT_THAT(message_of([&] { get(); }), HasSubstr("sends from https to http"));
  EXPECT_EQ(server_.count("GET", "/stored/"), 0);
}

}  // namespace
}  // namespace swiftlet::hub
