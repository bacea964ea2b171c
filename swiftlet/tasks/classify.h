// Sequence classification: labels of texts and pairs, choices among continuations, documents by their score
// for a query.
#pragma once

#include "swiftlet/tasks.h"
#include "swiftlet/tasks/head_runner.h"

namespace swiftlet::tasks {

// Throw kUsage for an unknown function.
std::vector<Classification> classify(HeadRunner& runner, const std::vector<TextPair>& texts,
                                     const ClassifyOptions& options, const Job& job);
// Throws kUsage for a question without choices.
std::vector<Choice> choose(HeadRunner& runner, const std::vector<ChoiceQuestion>& questions, const Job& job);
// Best first; of equal scores the earlier document. Throws kUnsupported unless the model has one label.
std::vector<RankedDocument> rerank(HeadRunner& runner, const std::string& query,
                                   const std::vector<std::string>& documents, const RerankOptions& options,
                                   const Job& job);

}  // namespace swiftlet::tasks
