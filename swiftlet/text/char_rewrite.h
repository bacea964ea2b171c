// Rewrites a text character by character, each with a number that tells how it came about, as the reference
// counts them: so do places come out the same, down to its oddities.
#pragma once

#include "swiftlet/text/normalized_text.h"

namespace swiftlet::text {

//   put(code, 0)     stands for the next character of the old text
//   put(code, 1)     is inserted, and shares the place of the character before
//   put(code, -n)    stands for the next character and swallows the n that follow
class CharRewrite {
 public:
  explicit CharRewrite(Rewrite& rewrite) : rewrite_(rewrite) {}

  void put(char32_t code, int change) {
    flush();
    code_ = code;
    change_ = change;
    waiting_ = true;
  }
  // The last character swallows one more. At the begin of the text there is none: then all that follows is
  // shown one place further to the left, as in the reference.
  void swallow(int count) {
    if (waiting_) change_ -= count;
  }
  // The characters [begin, end) as they are; begin < end.
  void keep(std::size_t begin, std::size_t end);
  // `with` in the place of `count` characters.
  void replace(int count, std::string_view with);
  // REQUIRES: nothing afterwards.
  void finish() { flush(); }

 private:
  void flush();

  Rewrite& rewrite_;
  std::size_t at_ = 0;  // of the old text
  char32_t code_ = 0;
  int change_ = 0;
  bool waiting_ = false;  // code_ and change_ are the last character, which may still swallow others
};

}  // namespace swiftlet::text
