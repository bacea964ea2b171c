#include "swiftlet/cli/input.h"

#include <unistd.h>

#include <cstdint>

namespace swiftlet::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // of a line, or of all that is read as one text

}  // namespace

Input::Input(const std::string& path, const Job& job)
    : reader_(path,
              {.limit = UINT64_MAX,
               .job = &job,
               .before_wait =
                   [this] {
                     if (before_wait_) before_wait_();
                   }},
              kMostBytes) {}

std::optional<std::string> Input::line() {
  std::string text;
  if (!reader_.next(text)) return std::nullopt;
  return text;
}

std::vector<std::string> Input::lines() {
  std::vector<std::string> result;
  while (auto text = line()) result.push_back(std::move(*text));
  return result;
}

bool stdin_is_terminal() {
  return ::isatty(0) == 1;
}

}  // namespace swiftlet::cli
