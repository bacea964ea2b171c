#include "swiftlet/hub/client.h"

#include <algorithm>
#include <charconv>

#include "swiftlet/core/error.h"
#include "swiftlet/hub/url.h"
#include "swiftlet/io/json.h"

namespace swiftlet::hub {
namespace {

constexpr int kMostRedirects = 10;
constexpr std::size_t kMostListBytes = std::size_t{8} << 20, kMostFiles = 100'000;
constexpr std::size_t kMostUnwantedBytes = std::size_t{1} << 20;
constexpr std::chrono::seconds kLongestDelay{30}, kLongestWait{300};

// The words of a hub, where it has some. They come from the network.
std::string told(const HttpAnswer& answer) {
  const std::string message = answer.header("x-error-message");
  return message.empty() ? "" : ": " + printable(message);
}

[[noreturn]] void fail_refused(const HttpAnswer& answer, const ModelName& name, const Settings& settings) {
  const std::string host = printable_url(settings.endpoint), code = answer.header("x-error-code");
  if (code == "GatedRepo" || answer.status == 403)
    fail(
        ErrorCode::kIo, name.repository,
        "{} lets only those in who accepted its licence (status {}{}): accept it at {}/{}, then set HF_TOKEN "
        "to a token of that account",
        host, answer.status, told(answer), host, name.repository);
  if (!settings.token.empty())
    fail(ErrorCode::kIo, name.repository,
         "{} refuses the token of HF_TOKEN or its file (status 401{}), or there is no such repository", host,
         told(answer));
  fail(ErrorCode::kNotFound, name.repository,
       "is no file or folder here, and {} knows no such repository, or a private or gated one: then set "
       "HF_TOKEN to a "
       "token that may read it",
       host);
}

[[noreturn]] void fail_missing(const HttpAnswer& answer, const ModelName& name, const std::string& path,
                               const Settings& settings) {
  const std::string host = printable_url(settings.endpoint), code = answer.header("x-error-code");
  if (code == "RevisionNotFound")
    fail(ErrorCode::kNotFound, name.repository, "has no revision {} on {}", name.revision, host);
  if (code == "EntryNotFound" || !path.empty())
    fail(ErrorCode::kNotFound, name.repository, "has no file {} on {}", printable(path), host);
  fail(ErrorCode::kNotFound, name.repository, "is no file or folder here, and {} knows no such repository",
       host);
}

std::optional<std::chrono::seconds> asked_wait(const HttpAnswer& answer) {
  const auto seconds = answer.bytes("retry-after");  // a date is not understood: then our own delay holds
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::min<std::uint64_t>(*seconds, std::uint64_t(kLongestWait.count())));
}

// Throws for everything but 2xx and what enough() wanted.
void check_status(const HttpAnswer& answer, const ModelName& name, const std::string& path,
                  const Settings& settings) {
  const long status = answer.status;
  if (status >= 200 && status < 300) return;
  if (status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504)) {
    Transient fault(
        fmt::format("{} answers with status {}{}", printable_url(answer.url), status, told(answer)));
    fault.wait = asked_wait(answer);
    throw fault;
  }
  if (origin_of(answer.url) != origin_of(settings.endpoint))  // who stores the files, not the hub
    fail(ErrorCode::kIo, fmt::format("{}/{}", name.repository, path), "{} answers with status {}",
         printable_url(answer.url), status);
  if (status == 401 || status == 403) fail_refused(answer, name, settings);
  if (status == 404 || status == 410) fail_missing(answer, name, path, settings);
  fail(ErrorCode::kIo, name.repository, "{} answers with status {}{}", printable_url(settings.endpoint),
       status, told(answer));
}

bool is_redirect(const HttpAnswer& answer) {
  return answer.status >= 300 && answer.status < 400 && !answer.redirect.empty();
}

// W/"abc" is abc. It becomes the name of a file.
std::string plain_etag(std::string text, const std::string& where) {
  if (text.starts_with("W/")) text.erase(0, 2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  constexpr std::size_t kLongest = 128;
  require(!text.empty() && text.size() <= kLongest && text.front() != '.' &&
              std::all_of(text.begin(), text.end(), allowed),
          where, "the hub names its content by an ETag that no file can have: \"{}\"", printable(text));
  return text;
}

Listing read_listing(const std::string& text, const ModelName& name, const Settings& settings) {
  const std::string where = fmt::format("{}: files of {}", printable_url(settings.endpoint), name.repository);
  const auto json = parse_json(text, where, {.bytes = kMostListBytes, .depth = 32});
  const auto text_of = [](const nlohmann::json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
  };
  Listing listing{.commit = text_of(json, "sha")};
  require(is_commit(listing.commit), where, "expected the commit as \"sha\", got \"{}\"",
          printable(listing.commit));
  require(json.contains("siblings") && json["siblings"].is_array() && json["siblings"].size() <= kMostFiles,
          where, "expected a list of at most {} files as \"siblings\"", kMostFiles);
  for (const auto& entry : json["siblings"]) {
    ListedFile file{.path = text_of(entry, "rfilename")};
    require(is_safe_path(file.path), where, "a file has a name that leads out of its folder: \"{}\"",
            printable(file.path));
    if (const auto size = entry.find("size"); size != entry.end() && size->is_number_unsigned())
      file.size = size->get<std::uint64_t>();
    listing.files.push_back(std::move(file));
  }
  return listing;
}

// Which byte a body starts with.
std::uint64_t first_byte(const HttpAnswer& answer, std::uint64_t asked) {
  if (answer.status != 206 || asked == 0) return 0;
  std::string text = answer.header("content-range");  // "bytes 100-199/200"
  if (text.starts_with("bytes ")) text.erase(0, 6);
  std::uint64_t first = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), first);
  if (error != std::errc() || first != asked)
    throw Transient("the server sends another part than was asked for");
  return first;
}

}  // namespace

HttpAnswer Client::follow(HttpRequest request, const std::function<bool(const HttpAnswer&)>& enough,
                          const HttpClient::OnHead& on_head, const HttpClient::OnBody& on_body) {
  const auto home = origin_of(settings_.endpoint);
  for (int i = 0; i <= kMostRedirects; ++i) {
    const auto origin = origin_of(request.url);
    request.token = origin == home ? settings_.token : "";
    // The body of a redirect or of an error is not that of the file.
    bool wanted = false;
    std::size_t unwanted = 0;
    HttpAnswer answer = http_.send(
        request,
        [&](const HttpAnswer& head) {
          wanted = head.status >= 200 && head.status < 300;
          if (wanted && on_head) on_head(head);
        },
        [&](std::span<const std::byte> bytes) {
          if (wanted && on_body) return on_body(bytes);
          unwanted += bytes.size();
          require(unwanted <= kMostUnwantedBytes, printable_url(request.url),
                  "sends an endless redirect or error");
        });
    if (!is_redirect(answer) || enough(answer)) return answer;
    const auto target = origin_of(answer.redirect);
    if (!target)
      fail(ErrorCode::kInvalid, printable_url(request.url), "sends to what is no http address: {}",
           printable_url(answer.redirect));
    if (origin->scheme == "https" && target->scheme != "https")
      fail(ErrorCode::kIo, printable_url(request.url), "sends from https to http, {}: refused",
           printable_url(answer.redirect));
    request.url = answer.redirect;
  }
  fail(ErrorCode::kIo, printable_url(request.url), "was reached by more than {} redirects", kMostRedirects);
}

std::string Client::file_url(const ModelName& name, const std::string& commit,
                             const std::string& path) const {
  return fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, name.repository, commit, escaped(path));
}

void Client::retry(const std::string& where, const std::function<void()>& work,
                   const std::function<bool()>& moved, const char* failed) {
  for (int failures = 0;;) {
    try {
      return work();
    } catch (const Transient& fault) {
      if (moved && moved()) failures = 0;
      ++failures;
      const int most = fault.unreachable && !moved ? std::min(settings_.attempts, 2) : settings_.attempts;
      if (fault.hopeless || failures >= most)
        fail(ErrorCode::kIo, where, "{} from {}: {}", failed, printable_url(settings_.endpoint),
             printable(fault.what()));
      const auto own =
          std::min<std::chrono::milliseconds>(settings_.retry_delay * (1 << (failures - 1)), kLongestDelay);
      stop_.wait(fault.wait ? std::chrono::milliseconds(*fault.wait) : own);
    }
  }
}

Listing Client::list(const ModelName& name) {
  const HttpRequest request{.url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", settings_.endpoint,
                                               name.repository, escaped(name.revision, true))};
  std::string text;
  retry(
      name.repository,
      [&] {
        text.clear();
        const HttpAnswer answer = follow(
            request, [](const HttpAnswer&) { return false; }, {},
            [&](std::span<const std::byte> bytes) {
              require(text.size() + bytes.size() <= kMostListBytes, name.repository,
                      "its list of files is over {} bytes", kMostListBytes);
              text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            });
        check_status(answer, name, "", settings_);
      },
      {}, "is no file or folder here and cannot be had");
  return read_listing(text, name, settings_);
}

FileInfo Client::look_at(const ModelName& name, const std::string& commit, const std::string& path) {
  FileInfo info;
  const std::string where = fmt::format("{}/{}", name.repository, path);
  retry(where, [&] {
    info = {};
    std::string etag;
    // The hub itself tells of files that lie elsewhere; who stores them need not know.
    const auto note = [&](const HttpAnswer& answer) {
      if (const std::string linked = answer.header("x-linked-etag"); etag.empty() && !linked.empty()) {
        etag = linked;
        info.size = answer.bytes("x-linked-size");
      }
      return !etag.empty();
    };
    const HttpAnswer answer = follow({.url = file_url(name, commit, path), .head = true}, note, {}, {});
    if (!note(answer)) {
      check_status(answer, name, path, settings_);
      etag = answer.header("etag");
      info.size = answer.bytes("content-length");
    }
    info.etag = plain_etag(etag, where);
    if (const std::string at = answer.header("x-repo-commit"); !at.empty())
      require(at == commit, where, "asked for commit {}, the hub answers with {}", commit, printable(at));
  });
  return info;
}

void Client::get(const ModelName& name, const std::string& commit, const std::string& path,
                 std::uint64_t from, const std::function<void(std::uint64_t)>& on_start,
                 const HttpClient::OnBody& on_bytes) {
  const HttpAnswer answer = follow(
      {.url = file_url(name, commit, path), .from = from}, [](const HttpAnswer&) { return false; },
      [&](const HttpAnswer& head) { on_start(first_byte(head, from)); }, on_bytes);
  if (answer.status == 416) return on_start(0);  // the part does not fit the file; nothing came
  check_status(answer, name, path, settings_);
}

}  // namespace swiftlet::hub
