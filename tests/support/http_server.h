// A small HTTP server for tests: what it answers is up to a function, faults included. On this machine alone.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace swiftlet::testing {

struct ServerRequest {
  std::string method, path, query;
  std::map<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct ServerAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::optional<std::uint64_t> length = {};   // what Content-Length says, where that is not the truth
  std::optional<std::size_t> cut_after = {};  // the connection ends after so many bytes of the body
  std::chrono::milliseconds delay{0};         // before the answer
  std::chrono::microseconds pace{0};          // between pieces of the body
  bool endless = false;                       // the body comes again and again
};

class HttpServer {
 public:
  using Handler = std::function<ServerAnswer(const ServerRequest&)>;

  explicit HttpServer(Handler handler, std::uint16_t port = 0) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port to listen on");
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~HttpServer() { stop(); }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // From then on nobody listens there.
  void stop() {
    if (listener_ < 0) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& connection : connections_) connection.join();
    ::close(listener_);
    listener_ = -1;
  }

 private:
  void accept_all() {
    while (!stopping_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection >= 0) connections_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string head;
    char piece[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      pollfd wait{connection, POLLIN, 0};
      if (::poll(&wait, 1, 100) == 0 && !stopping_) continue;
      const ssize_t got = stopping_ ? 0 : ::recv(connection, piece, sizeof piece, 0);
      if (got <= 0) break;
      head.append(piece, static_cast<std::size_t>(got));
    }
    if (head.find("\r\n\r\n") != std::string::npos) {
      const ServerRequest request = parse(head);
      answer(connection, request, handler_(request));
    }
    ::close(connection);
  }

  static ServerRequest parse(const std::string& head) {
    ServerRequest request;
    const std::size_t method = head.find(' '), target = head.find(' ', method + 1);
    request.method = head.substr(0, method);
    request.path = head.substr(method + 1, target - method - 1);
    if (const std::size_t mark = request.path.find('?'); mark != std::string::npos) {
      request.query = request.path.substr(mark + 1);
      request.path.resize(mark);
    }
    std::size_t line = head.find("\r\n") + 2;
    while (line < head.size()) {
      const std::size_t end = head.find("\r\n", line), colon = head.find(": ", line);
      if (end == line || colon > end) break;
      std::string name = head.substr(line, colon - line);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = head.substr(colon + 2, end - colon - 2);
      line = end + 2;
    }
    return request;
  }

  void answer(int connection, const ServerRequest& request, const ServerAnswer& answer) {
    wait(answer.delay);
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Told\r\nConnection: close\r\n";
    for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
    if (!answer.endless)
      head += "Content-Length: " + std::to_string(answer.length.value_or(answer.body.size())) + "\r\n";
    if (!send(connection, head + "\r\n") || request.method == "HEAD") return;
    const std::string_view body(answer.body);
    const std::size_t end = std::min(body.size(), answer.cut_after.value_or(body.size()));
    constexpr std::size_t kPiece = 16384;
    do {
      for (std::size_t at = 0; at < end; at += kPiece) {
        if (stopping_ || !send(connection, body.substr(at, std::min(kPiece, end - at)))) return;
        if (answer.pace.count() > 0) wait(answer.pace);
      }
    } while (answer.endless);
  }

  bool send(int connection, std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }

  void wait(std::chrono::microseconds time) const {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!stopping_ && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::min<std::chrono::microseconds>(time, std::chrono::milliseconds(10)));
  }

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread accepting_;
  std::vector<std::thread> connections_;  // of the accepting thread, until it has ended
};

}  // namespace swiftlet::testing
