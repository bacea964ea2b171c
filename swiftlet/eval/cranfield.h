// The Cranfield collection (Cleverdon, 1967): 1400 abstracts on aerodynamics, 225 questions, in TREC markup.
//
//   cran.all.1400.xml    <doc><docno>1</docno><title>..</title>..<text>..</text></doc>
//   cran.qry.xml         <top><num> 1</num><title>..</title></top>
//   cranqrel.trec.txt    query 0 document relevance
//
// A trap of this collection: the judgements number the queries 1, 2, 3, ... in their order in the file, while
// <num> runs 1, 2, 4, 8, ..., 365 (numbers of the original study). The ids here are the places.
#pragma once

#include <filesystem>

#include "swiftlet/eval/retrieval.h"

namespace swiftlet {

bool is_cranfield_folder(const std::filesystem::path& folder);

// The text of a document begins with its title; that is cut off, so that full_text() has it once. Throws
// kInvalid with file and line for malformed records, repeated documents and judgements of a query that does
// not exist.
RetrievalCollection read_cranfield(const std::filesystem::path& folder);

}  // namespace swiftlet
