// Texts that are longer than the model takes, read in windows that overlap; and places in texts.
#pragma once

#include <string_view>
#include <vector>

#include "swiftlet/tasks.h"
#include "swiftlet/text/tokenized_text.h"

namespace swiftlet::tasks {

// A sequence that shows `count` tokens of the walked text from its `first` on; they begin at `place` of the
// sequence. The tokens around them (special ones, a question) are in every window.
struct Window {
  TokenizedText text;
  std::size_t first = 0, place = 0, count = 0;
};

// The tokens whose source is `source` stand together in `whole`; they are walked in windows of at most `most`
// tokens, `overlap` of them common to neighbours (fewer where a window has no room for more). One window
// where all fit, or where there are none. Throws kInvalid, with `where`, when nothing else fits beside the
// rest.
std::vector<Window> windows_of(const TokenizedText& whole, std::int8_t source, std::size_t most,
                               std::size_t overlap, std::string_view where);

// Bytes [begin, end) of a text as a range; counts characters from where it stood before, so that walking
// through a text takes linear time. Ranges may come in any order.
class CharacterCounter {
 public:
  explicit CharacterCounter(std::string_view text) : text_(text) {}
  TextRange range(std::size_t begin, std::size_t end);

 private:
  std::size_t count_to(std::size_t byte);
  std::string_view text_;
  std::size_t byte_ = 0, characters_ = 0;
};

}  // namespace swiftlet::tasks
