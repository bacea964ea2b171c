#include "swiftlet/text/tokenized_text.h"

namespace swiftlet {

void TokenizedText::append(const TokenizedText& other) {
  ids.insert(ids.end(), other.ids.begin(), other.ids.end());
  offsets.insert(offsets.end(), other.offsets.begin(), other.offsets.end());
  type_ids.insert(type_ids.end(), other.type_ids.begin(), other.type_ids.end());
  sources.insert(sources.end(), other.sources.begin(), other.sources.end());
  words.insert(words.end(), other.words.begin(), other.words.end());
}

void TokenizedText::truncate(std::size_t count) {
  if (count >= size()) return;
  ids.resize(count);
  offsets.resize(count);
  type_ids.resize(count);
  sources.resize(count);
  words.resize(count);
}

}  // namespace swiftlet
