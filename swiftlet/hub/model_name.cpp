#include "swiftlet/hub/model_name.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace swiftlet::hub {
namespace {

constexpr std::size_t kLongestPart = 96, kLongestPath = 1024, kLongestName = 255;

// What the hub allows for owners and repositories.
bool is_part(std::string_view text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  if (text.empty() || text.size() > kLongestPart || !std::all_of(text.begin(), text.end(), allowed))
    return false;
  const auto edge = [](char c) { return c == '-' || c == '.'; };
  return !edge(text.front()) && !edge(text.back()) && text.find("--") == text.npos &&
         text.find("..") == text.npos;
}

// What a user calls a file of a model: anything else with two slashes is a path that does not exist.
bool is_model_file(std::string_view path) {
  constexpr std::array<std::string_view, 7> kEndings{".gguf", ".safetensors", ".swiftlet", ".bin",
                                                     ".pt",   ".pth",         ".onnx"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

std::string_view take_until(std::string_view& text, std::string_view ends) {
  const std::size_t end = std::min(text.find_first_of(ends), text.size());
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(end);
  return head;
}

// Revisions have no slash, but for those of pull requests and conversions: refs/pr/7.
std::string take_revision(std::string_view& text) {
  std::string revision;
  for (const std::string_view space : {"refs/pr/", "refs/convert/"})
    if (text.starts_with(space)) {
      revision = space;
      text.remove_prefix(space.size());
    }
  return revision += take_until(text, "/:");
}

}  // namespace

std::optional<ModelName> parse_model_name(std::string_view text) {
  if (!is_safe_path(text)) return std::nullopt;
  const std::string_view owner = take_until(text, "/");
  if (!is_part(owner) || text.empty()) return std::nullopt;
  text.remove_prefix(1);
  const std::string_view repository = take_until(text, "@/:");
  if (!is_part(repository)) return std::nullopt;
  ModelName name{.repository = std::string(owner) + "/" + std::string(repository)};
  if (text.starts_with('@')) {
    text.remove_prefix(1);
    name.revision = take_revision(text);
    if (!is_safe_path(name.revision)) return std::nullopt;
  } else if (text.empty() && is_model_file(repository)) {
    return std::nullopt;  // a file in a folder
  }
  if (text.starts_with('/')) {
    name.file = text.substr(1);
    if (!is_model_file(name.file)) return std::nullopt;
  } else if (text.starts_with(':')) {
    name.tag = text.substr(1);
    if (name.tag.find('/') != std::string::npos || !is_part(name.tag)) return std::nullopt;
  }
  return name;
}

std::string ModelName::text() const {
  std::string out = repository;
  if (revision != "main") out += "@" + revision;
  if (!file.empty()) out += "/" + file;
  if (!tag.empty()) out += ":" + tag;
  return out;
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kLongestPath) return false;
  for (const char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
  while (true) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongestName) return false;
    if (end == path.size()) return true;
    path.remove_prefix(end + 1);
  }
}

bool is_commit(std::string_view text) {
  constexpr std::size_t kDigits = 40;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace swiftlet::hub
