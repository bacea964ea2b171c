#include "swiftlet/text/char_rewrite.h"

#include <algorithm>

namespace swiftlet::text {

void CharRewrite::flush() {
  if (!waiting_) return;
  waiting_ = false;
  const std::string_view old = rewrite_.old();
  if (change_ > 0) {
    rewrite_.put(code_, at_ > 0 ? at_ - 1 : 0);
    return;
  }
  const std::size_t like = std::min(at_, old.size() - 1);
  for (int i = 0; i <= -change_ && at_ < old.size(); ++i) at_ += char_at(old, at_).bytes;
  rewrite_.put(code_, like, change_ == 0 ? at_ - like : 0);
}

void CharRewrite::keep(std::size_t begin, std::size_t end) {
  flush();
  const std::string_view old = rewrite_.old();
  const Char last = char_before(old, end);
  if (at_ == begin) {
    rewrite_.keep(begin, end - last.bytes);
    at_ = end - last.bytes;
  } else {
    for (std::size_t at = begin; at < end - last.bytes; at += char_at(old, at).bytes)
      put(char_at(old, at).code, 0);
  }
  put(last.code, 0);
}

void CharRewrite::replace(int count, std::string_view with) {
  const int more = static_cast<int>(count_chars(with)) - count;
  int place = 0;
  for (std::size_t at = 0; at < with.size(); ++place) {
    const Char c = char_at(with, at);
    put(c.code, place < count ? 0 : 1);
    at += c.bytes;
  }
  if (more < 0) swallow(-more);
}

}  // namespace swiftlet::text
