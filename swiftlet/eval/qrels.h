// Files of relevance judgements.
#pragma once

#include <filesystem>

#include "swiftlet/eval/ranking.h"

namespace swiftlet {

// TREC: "query iteration document relevance" a line, any white space between; the iteration is ignored.
Qrels read_trec_qrels(const std::filesystem::path& path);

// BEIR: "query <tab> document <tab> relevance", the first line a header or not.
Qrels read_beir_qrels(const std::filesystem::path& path);

// Both take .gz too, skip empty lines and throw kInvalid with file and line for a wrong number of fields, a
// relevance that is no integer, two different judgements of one document, or no judgement at all.

}  // namespace swiftlet
