#include "swiftlet/hub/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/trim.h"
#include "swiftlet/hub/url.h"

namespace swiftlet::hub {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_set(const char* name) {
  std::string value = variable(name);
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::tolower(c); });
  return value == "1" || value == "true" || value == "yes" || value == "on";
}

fs::path without_tilde(const std::string& path) {
  if (path == "~" || path.starts_with("~/"))
    return fs::path(variable("HOME")) / path.substr(path.size() > 1 ? 2 : 1);
  return path;
}

fs::path home() {
  if (const std::string set = variable("HF_HOME"); !set.empty()) return without_tilde(set);
  if (const std::string set = variable("XDG_CACHE_HOME"); !set.empty())
    return without_tilde(set) / "huggingface";
  return fs::path(variable("HOME")) / ".cache" / "huggingface";
}

fs::path cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const std::string set = variable(name); !set.empty()) return without_tilde(set);
  return home() / "hub";
}

std::string find_token() {
  if (is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return {};
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
    if (const std::string value = variable(name), set(trimmed(value)); !set.empty()) return set;
  const std::string named = variable("HF_TOKEN_PATH");
  const fs::path path = named.empty() ? home() / "token" : without_tilde(named);
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  constexpr std::size_t kLongest = 1 << 16;
  return std::string(trimmed(read_text_file(path, kLongest)));
}

std::chrono::seconds seconds(const char* name, std::chrono::seconds fallback) {
  const std::string text = variable(name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && value > 0 ? std::chrono::seconds(value) : fallback;
}

}  // namespace

void Settings::set_endpoint(std::string address, std::string_view where) {
  while (address.ends_with('/')) address.pop_back();
  if (!origin_of(address))
    fail(ErrorCode::kUsage, where, "expected an address that begins with https:// or http://");
  endpoint = std::move(address);
}

void Settings::set_token(std::string given) {
  // The message must not show it.
  if (std::any_of(given.begin(), given.end(), [](char c) { return c <= 0x20 || c > 0x7e; }))
    fail(ErrorCode::kUsage, "token", "what HF_TOKEN, its file or an option holds is no token");
  token = std::move(given);
}

Settings Settings::from_environment() {
  Settings settings;
  if (const std::string set = variable("HF_ENDPOINT"); !set.empty())
    settings.set_endpoint(set, "HF_ENDPOINT");
  settings.cache = cache_folder();
  settings.set_token(find_token());
  settings.offline = is_set("HF_HUB_OFFLINE") || is_set("TRANSFORMERS_OFFLINE");
  settings.connect_timeout = seconds("HF_HUB_ETAG_TIMEOUT", settings.connect_timeout);
  settings.stall_timeout = seconds("HF_HUB_DOWNLOAD_TIMEOUT", settings.stall_timeout);
  return settings;
}

}  // namespace swiftlet::hub
