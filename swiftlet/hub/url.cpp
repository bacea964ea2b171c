#include "swiftlet/hub/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cctype>
#include <memory>

namespace swiftlet::hub {
namespace {

class Parsed {
 public:
  explicit Parsed(const std::string& url) : url_(curl_url(), curl_url_cleanup) {
    good_ = url_ != nullptr && curl_url_set(url_.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK;
  }
  bool good() const { return good_; }
  std::string part(CURLUPart which, unsigned flags = 0) const {
    char* text = nullptr;
    if (!good_ || curl_url_get(url_.get(), which, &text, flags) != CURLUE_OK) return {};
    std::string out(text);
    curl_free(text);
    return out;
  }

 private:
  std::unique_ptr<CURLU, void (*)(CURLU*)> url_;
  bool good_ = false;
};

}  // namespace

std::optional<Origin> origin_of(const std::string& url) {
  const Parsed parsed(url);
  Origin origin{parsed.part(CURLUPART_SCHEME), parsed.part(CURLUPART_HOST),
                parsed.part(CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  for (char& c : origin.host) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool known = origin.scheme == "http" || origin.scheme == "https";
  return known && !origin.host.empty() ? std::optional(origin) : std::nullopt;
}

std::string printable_url(const std::string& url) {
  const Parsed parsed(url);
  if (!parsed.good()) return "?";
  const std::string port = parsed.part(CURLUPART_PORT);
  std::string path = parsed.part(CURLUPART_PATH);
  if (path == "/") path.clear();
  return fmt::format("{}://{}{}{}{}", parsed.part(CURLUPART_SCHEME), parsed.part(CURLUPART_HOST),
                     port.empty() ? "" : ":", port, path);
}

std::string escaped(std::string_view path, bool slashes) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain || (c == '/' && !slashes))
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace swiftlet::hub
