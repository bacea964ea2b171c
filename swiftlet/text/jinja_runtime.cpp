#include "swiftlet/text/jinja_runtime.h"

#include "swiftlet/core/one_line.h"

namespace swiftlet::text::jinja {

void Runtime::fail_text(const std::string& message) const {
  constexpr std::size_t kLongest = 500;  // raise_exception() may be given a whole conversation
  std::string text = one_line(message);
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    text += "...";
  }
  throw Error(ErrorCode::kInvalid, fmt::format("{}: line {}", name_, line), text);
}

}  // namespace swiftlet::text::jinja
