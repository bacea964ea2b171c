#include "swiftlet/engine/stop_strings.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::vector<std::size_t> failure_table(std::string_view text) {
  std::vector<std::size_t> table(text.size() + 1);
  std::size_t length = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    while (length > 0 && text[i] != text[length]) length = table[length];
    if (text[i] == text[length]) ++length;
    table[i + 1] = length;
  }
  return table;
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    if (stop.empty()) fail(ErrorCode::kUsage, "stop", "a stop string must not be empty");
    std::vector<std::size_t> table = failure_table(stop);
    patterns_.push_back({std::move(stop), std::move(table)});
  }
}

// Never called on a completed match: the matcher has stopped then.
void StopStrings::Pattern::advance(char byte) {
  while (matched > 0 && text[matched] != byte) matched = failure[matched];
  if (text[matched] == byte) ++matched;
}

StopStrings::Result StopStrings::feed(std::string_view piece) {
  if (stopped_) return {{}, true};
  std::size_t held = 0;
  for (const char byte : piece) {
    pending_ += byte;
    held = 0;
    std::size_t found = 0;
    for (Pattern& pattern : patterns_) {
      pattern.advance(byte);
      held = std::max(held, pattern.matched);
      if (pattern.matched == pattern.text.size()) found = std::max(found, pattern.matched);
    }
    if (found == 0) continue;
    stopped_ = true;
    const std::string_view text = give(pending_.size() - found);
    pending_.clear();
    return {text, true};
  }
  if (piece.empty()) return {};  // what is held stays held
  return {give(pending_.size() - held), false};
}

std::string_view StopStrings::finish() {
  return give(pending_.size());
}

std::string_view StopStrings::give(std::size_t bytes) {
  given_.assign(pending_, 0, bytes);
  pending_.erase(0, bytes);
  return given_;
}

}  // namespace swiftlet
