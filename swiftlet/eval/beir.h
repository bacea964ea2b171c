// Collections in the folder layout of BEIR (Thakur et al., 2021):
//
//   corpus.jsonl         {"_id": "d1", "title": "...", "text": "..."}     a document a line
//   queries.jsonl        {"_id": "q1", "text": "..."}
//   qrels/<split>.tsv    query-id <tab> corpus-id <tab> score             with a header
//
// The .jsonl may be .jsonl.gz.
#pragma once

#include <filesystem>
#include <string>

#include "swiftlet/eval/retrieval.h"

namespace swiftlet {

bool is_beir_folder(const std::filesystem::path& folder);

// The queries are those that the split judges, in the order of queries.jsonl. A judged document that the
// corpus lacks stays in the judgements (nobody can retrieve it). Throws kInvalid with file and line for
// malformed JSON, a missing field, an id that comes twice or a judged query that queries.jsonl lacks;
// kNotFound names the splits that there are.
RetrievalCollection read_beir(const std::filesystem::path& folder, const std::string& split = "test");

}  // namespace swiftlet
