// What is asked of a hub: which files a repository has at a revision, what a file is, and its bytes.
//
// Redirects are followed, at most ten; the token goes to the endpoint's scheme, host and port alone, and from
// https nobody is sent to http. Faults that may pass are tried again, later and later, or when the server
// says so. One thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swiftlet/hub/http.h"
#include "swiftlet/hub/model_name.h"

namespace swiftlet::hub {

struct ListedFile {
  std::string path;
  std::uint64_t size = 0;  // 0 where the hub does not tell
};

struct Listing {
  std::string commit;
  std::vector<ListedFile> files;
};

// What a file is: the name of its blob and of its checksum.
struct FileInfo {
  std::string etag;
  std::optional<std::uint64_t> size;
};

class Client {
 public:
  Client(const Settings& settings, const Stop& stop)
      : settings_(settings), stop_(stop), http_(settings, stop) {}

  // Throws kNotFound (no such repository, revision), kIo (not allowed, not reachable), kInvalid for what is
  // no answer of a hub.
  Listing list(const ModelName& name);
  FileInfo look_at(const ModelName& name, const std::string& commit, const std::string& path);

  // One attempt to get the bytes from `from` on: `on_start` hears with which byte they start (0 where the
  // server knows no ranges), `on_bytes` each piece. Throws Transient, and as above.
  void get(const ModelName& name, const std::string& commit, const std::string& path, std::uint64_t from,
           const std::function<void(std::uint64_t)>& on_start, const HttpClient::OnBody& on_bytes);

  // Calls `work` until it throws no Transient; `moved` tells whether the last attempt brought something. A
  // hub that cannot be reached is asked twice, unless something came from it before.
  void retry(const std::string& where, const std::function<void()>& work,
             const std::function<bool()>& moved = {}, const char* failed = "cannot be had");

 private:
  HttpAnswer follow(HttpRequest request, const std::function<bool(const HttpAnswer&)>& enough,
                    const HttpClient::OnHead& on_head, const HttpClient::OnBody& on_body);
  std::string file_url(const ModelName& name, const std::string& commit, const std::string& path) const;

  const Settings& settings_;
  const Stop& stop_;
  HttpClient http_;
};

}  // namespace swiftlet::hub
