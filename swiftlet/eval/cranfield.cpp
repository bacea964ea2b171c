#include "swiftlet/eval/cranfield.h"

#include <unordered_set>

#include "swiftlet/core/error.h"
#include "swiftlet/eval/qrels.h"
#include "swiftlet/eval/trec_text.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDocuments = "cran.all.1400.xml";
constexpr const char* kQueries = "cran.qry.xml";
constexpr const char* kJudgements = "cranqrel.trec.txt";

std::string without_title(const std::string& text, const std::string& title) {
  if (title.empty() || !text.starts_with(title)) return text;
  const std::size_t begin = text.find_first_not_of(" \r\n", title.size());
  return begin == std::string::npos ? std::string() : text.substr(begin);
}

std::vector<Document> read_documents(const fs::path& path) {
  std::vector<Document> documents;
  std::unordered_set<std::string> seen;
  for (TrecRecord& record : read_trec_records(path, "doc", {"docno", "title", "text"})) {
    const std::string where = fmt::format("{}:{}", path.string(), record.line);
    require(!record.fields[0].empty(), where, "<docno> is empty");
    require(seen.insert(record.fields[0]).second, where, "document {} comes twice", record.fields[0]);
    std::string text = without_title(record.fields[2], record.fields[1]);
    documents.push_back({std::move(record.fields[0]), std::move(record.fields[1]), std::move(text)});
  }
  return documents;
}

}  // namespace

bool is_cranfield_folder(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kDocuments, ignored);
}

RetrievalCollection read_cranfield(const fs::path& folder) {
  RetrievalCollection collection;
  collection.documents = read_documents(folder / kDocuments);
  collection.qrels = read_trec_qrels(folder / kJudgements);
  std::size_t place = 0;
  for (TrecRecord& record : read_trec_records(folder / kQueries, "top", {"title"})) {
    std::string id = std::to_string(++place);
    if (collection.qrels.contains(id))
      collection.queries.push_back({std::move(id), std::move(record.fields[0])});
  }
  require(collection.queries.size() == collection.qrels.size(), (folder / kJudgements).string(),
          "judges {} queries, of which {} are among the {} of {}", collection.qrels.size(),
          collection.queries.size(), place, kQueries);
  return collection;
}

}  // namespace swiftlet
