// Test collections for retrieval: documents, queries and who judged which document relevant for which query.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "swiftlet/eval/ranking.h"

namespace swiftlet {

struct Document {
  std::string id;
  std::string title;  // may be empty
  std::string text;   // without the title
  // What is embedded: "title text", as BEIR does.
  std::string full_text() const;
};

struct Query {
  std::string id;
  std::string text;
};

struct RetrievalCollection {
  std::vector<Document> documents;
  std::vector<Query> queries;  // every one has judgements
  Qrels qrels;
};

// Reads a folder in one of two layouts, told by its files:
//   BEIR        corpus.jsonl, queries.jsonl, qrels/<split>.tsv (see beir.h)
//   Cranfield   cran.all.1400.xml, cran.qry.xml, cranqrel.trec.txt (see cranfield.h; `split` is ignored)
// Throws kNotFound when it is neither, and what the readers throw.
RetrievalCollection read_retrieval_collection(const std::filesystem::path& folder,
                                              const std::string& split = "test");

}  // namespace swiftlet
