// Stop strings over streamed text: text that could still become a stop string is held back until that is
// settled.
//
// Generation stops at the first byte that completes any stop string; of several completed there the longest
// counts. The text before it is given out, the stop string and what follows are not. The outcome depends on
// the text alone, never on how it was cut into pieces. One matcher per sequence, one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet {

class StopStrings {
 public:
  // None is empty (throws kUsage). Without any, all text passes at once.
  explicit StopStrings(std::vector<std::string> stops = {});

  struct Result {
    std::string_view text;  // may be shown now; valid until the next call
    bool stopped = false;   // a stop string was found; nothing more will come
  };
  // The next piece of text. UTF-8 characters stay whole when pieces and stop strings hold whole ones. Once
  // stopped, gives no text.
  Result feed(std::string_view piece);

  // What is still held back, when generation ends for another reason.
  std::string_view finish();

  bool stopped() const { return stopped_; }

 private:
  // Knuth, Morris and Pratt's automaton: how much of `text` the stream's end matches.
  struct Pattern {
    std::string text;
    std::vector<std::size_t> failure;  // per length: the longest proper prefix that is also a suffix
    std::size_t matched = 0;
    void advance(char byte);
  };

  std::string_view give(std::size_t bytes);

  std::vector<Pattern> patterns_;
  std::string pending_;  // text not given out yet
  std::string given_;    // what the last call gave out
  bool stopped_ = false;
};

}  // namespace swiftlet
