// From the label probabilities of tokens to entities, as the token-classification pipeline of transformers
// defines its aggregations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/tasks.h"

namespace swiftlet::tasks {

struct TaggedToken {
  std::vector<double> scores;  // of each label
  std::size_t begin = 0, end = 0;
  bool continues = false;  // the word of the token before
};

enum class Aggregation { kNone, kSimple, kFirst, kAverage, kMax };
// Throws kUsage for an unknown name.
Aggregation aggregation_from_name(std::string_view name);

// Labels are read as B-X and I-X, and where the model has them as E-X (or L-X) for the last token of an
// entity and S-X (or U-X) for an entity of one. Entities whose label, with or without its prefix, is in
// `ignore` are left out.
std::vector<Entity> entities_of(std::string_view text, const std::vector<TaggedToken>& tokens,
                                const std::vector<std::string>& labels, Aggregation aggregation,
                                const std::vector<std::string>& ignore);

}  // namespace swiftlet::tasks
