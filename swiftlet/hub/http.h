// One exchange over HTTP by libcurl: a request, the head of the answer, its body piece by piece.
//
// Certificates are verified. Redirects are not followed here. Everything that an answer can make large is
// bounded. One thread at a time; a connection is kept for the next request.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "swiftlet/hub/settings.h"
#include "swiftlet/hub/stop.h"

namespace swiftlet::hub {

struct HttpRequest {
  std::string url;
  bool head = false;
  std::string token;       // empty: none
  std::uint64_t from = 0;  // ask for the bytes from here
};

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case; of equal ones the first
  std::string redirect;                                     // the whole address, where there is one
  std::string url;                                          // who answered

  std::string header(std::string_view name) const;
  // A header that is a number of bytes; nothing when it is missing or none.
  std::optional<std::uint64_t> bytes(std::string_view name) const;
};

// What may pass by itself: the network, a server that is busy.
struct Transient : std::runtime_error {
  using std::runtime_error::runtime_error;
  std::optional<std::chrono::seconds> wait = {};  // what the server asks for
  bool hopeless = false;                          // trying again at once is of no use: no such host
  bool unreachable = false;                       // nobody listens
};

class HttpClient {
 public:
  HttpClient(const Settings& settings, const Stop& stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Called before the body, and for each piece of it. What they throw comes through.
  using OnHead = std::function<void(const HttpAnswer&)>;
  using OnBody = std::function<void(std::span<const std::byte>)>;
  // Throws Transient, kCancelled, and kIo for what no second attempt mends (a bad certificate).
  HttpAnswer send(const HttpRequest& request, const OnHead& on_head = {}, const OnBody& on_body = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swiftlet::hub
