#include "swiftlet/hub/http.h"

#include <curl/curl.h>
#include <pthread.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <mutex>

#include "swiftlet/core/error.h"
#include "swiftlet/core/trim.h"
#include "swiftlet/core/version.h"
#include "swiftlet/hub/url.h"

namespace swiftlet::hub {
namespace {

constexpr std::size_t kMostHeaderBytes = std::size_t{1} << 20;

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct HeaderList {
  curl_slist* list = nullptr;
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(list); }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// One exchange as libcurl's callbacks see it.
struct Exchange {
  CURL* curl;
  const Stop& stop;
  const HttpClient::OnHead& on_head;
  const HttpClient::OnBody& on_body;
  HttpAnswer answer = {};
  std::size_t header_bytes = 0;
  bool head_done = false;
  std::exception_ptr thrown = {};

  // No exception may pass through libcurl: it is kept, and the transfer ends.
  template <class Work>
  bool guarded(Work work) {
    try {
      work();
      return true;
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }

  void header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMostHeaderBytes)
      fail(ErrorCode::kInvalid, "hub", "the head of an answer is over {} bytes", kMostHeaderBytes);
    if (line.starts_with("HTTP/")) answer.headers.clear();  // an interim answer came before
    const std::size_t colon = line.find(':');
    if (colon != line.npos)
      answer.headers.try_emplace(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }

  void finish_head() {
    if (head_done) return;
    head_done = true;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    char* redirect = nullptr;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect != nullptr) answer.redirect = redirect;
    if (on_head) on_head(answer);
  }

  void body(std::span<const std::byte> bytes) {
    finish_head();
    if (on_body) on_body(bytes);
  }
};

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  return exchange.guarded([&] { exchange.header({data, size * count}); }) ? size * count : 0;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  const auto bytes = std::as_bytes(std::span(data, size * count));
  return exchange.guarded([&] { exchange.body(bytes); }) ? size * count : 0;
}

int watch(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(pointer)->stop.stopped() ? 1 : 0;
}

template <class T>
void set(CURL* curl, CURLoption option, T value) {
  if (curl_easy_setopt(curl, option, value) != CURLE_OK)
    fail(ErrorCode::kUnsupported, "hub", "libcurl lacks option {}", static_cast<int>(option));
}

// The bundle of certificates that curl and Python look for where the system's does not do.
void use_named_certificates(CURL* curl) {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"})
    if (const char* path = std::getenv(name); path != nullptr && *path != '\0') {
      set(curl, CURLOPT_CAINFO, path);
      return;
    }
}

// OpenSSL writes to sockets without asking the system to spare us the signal when the other side is gone, and
// libcurl leaves it be where it may touch no signals (CURLOPT_NOSIGNAL): in this thread it waits meanwhile,
// and is taken off again if it came.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec now{};
    if (!was_pending_)
      while (sigtimedwait(&pipe_, nullptr, &now) == -1 && errno == EINTR) {
      }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

[[noreturn]] void fail_transfer(CURLcode code, const char* details, const std::string& url) {
  const std::string reason = *details != '\0' ? details : curl_easy_strerror(code);
  const std::string where = printable_url(url);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      fail(ErrorCode::kIo, where, "its certificate cannot be trusted: {}", reason);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      fail(ErrorCode::kInvalid, where, "is no address: {}", reason);
    case CURLE_OUT_OF_MEMORY:
      throw std::bad_alloc();
    default:
      break;
  }
  Transient fault(reason);
  fault.hopeless = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
  fault.unreachable = code == CURLE_COULDNT_CONNECT;
  throw fault;
}

}  // namespace

struct HttpClient::State {
  const Settings& settings;
  const Stop& stop;
  std::unique_ptr<CURL, void (*)(CURL*)> curl;
};

HttpClient::HttpClient(const Settings& settings, const Stop& stop) {
  start_curl();
  state_.reset(new State{settings, stop, {curl_easy_init(), curl_easy_cleanup}});
  if (state_->curl == nullptr) fail(ErrorCode::kIo, "hub", "libcurl does not start");
}

HttpClient::~HttpClient() {
  const WithoutSigpipe guard;  // closing a connection says goodbye
  state_.reset();
}

HttpAnswer HttpClient::send(const HttpRequest& request, const OnHead& on_head, const OnBody& on_body) {
  state_->stop.check();
  if (!origin_of(request.url))
    fail(ErrorCode::kInvalid, printable_url(request.url), "expected an address that begins with https://");
  CURL* const curl = state_->curl.get();
  curl_easy_reset(curl);
  Exchange exchange{curl, state_->stop, on_head, on_body};
  exchange.answer.url = request.url;
  HeaderList headers;
  headers.add("Accept-Encoding: identity");  // sizes and ranges are those of the file
  if (!request.token.empty()) headers.add("Authorization: Bearer " + request.token);
  char details[CURL_ERROR_SIZE] = "";
  set(curl, CURLOPT_ERRORBUFFER, details);
  set(curl, CURLOPT_URL, request.url.c_str());
  set(curl, CURLOPT_NOBODY, request.head ? 1L : 0L);
  set(curl, CURLOPT_HTTPHEADER, headers.list);
  const std::string agent = fmt::format("swiftlet/{}", kVersion);
  set(curl, CURLOPT_USERAGENT, agent.c_str());
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_NOPROGRESS, 0L);
  set(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(state_->settings.connect_timeout.count()));
  set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(state_->settings.stall_timeout.count()));
  const std::string range = fmt::format("{}-", request.from);
  if (request.from > 0) set(curl, CURLOPT_RANGE, range.c_str());
  use_named_certificates(curl);
  set(curl, CURLOPT_HEADERFUNCTION, take_header);
  set(curl, CURLOPT_HEADERDATA, &exchange);
  set(curl, CURLOPT_WRITEFUNCTION, take_body);
  set(curl, CURLOPT_WRITEDATA, &exchange);
  set(curl, CURLOPT_XFERINFOFUNCTION, watch);
  set(curl, CURLOPT_XFERINFODATA, &exchange);

  const CURLcode code = [&] {
    const WithoutSigpipe guard;
    return curl_easy_perform(curl);
  }();
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  state_->stop.check();
  if (code != CURLE_OK) fail_transfer(code, details, request.url);
  exchange.finish_head();
  return std::move(exchange.answer);
}

std::string HttpAnswer::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::optional<std::uint64_t> HttpAnswer::bytes(std::string_view name) const {
  const std::string text = header(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace swiftlet::hub
