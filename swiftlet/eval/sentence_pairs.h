// Pairs of sentences with a human similarity score: STS-B and files like it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace swiftlet {

struct SentencePair {
  std::string first;
  std::string second;
  double score = 0;
};

// Reads .csv (RFC 4180) or .tsv (tabs, no quoting), either also as .gz. Without a header: three columns
// sentence1, sentence2, score. With one, the columns named sentence1, sentence2 and score (or
// similarity_score, label) wherever they stand. Throws kInvalid with file and line for a missing column, a
// score that is no finite number, an empty sentence, or no pair at all.
std::vector<SentencePair> read_sentence_pairs(const std::filesystem::path& path);

}  // namespace swiftlet
