#include "swiftlet/eval/retrieval.h"

#include "swiftlet/core/error.h"
#include "swiftlet/eval/beir.h"
#include "swiftlet/eval/cranfield.h"

namespace swiftlet {

std::string Document::full_text() const {
  if (title.empty()) return text;
  return text.empty() ? title : title + ' ' + text;
}

RetrievalCollection read_retrieval_collection(const std::filesystem::path& folder, const std::string& split) {
  if (is_beir_folder(folder)) return read_beir(folder, split);
  if (is_cranfield_folder(folder)) return read_cranfield(folder);
  fail(ErrorCode::kNotFound, folder.string(),
       "expected a folder with corpus.jsonl, queries.jsonl and qrels/ (BEIR) or with cran.all.1400.xml "
       "(Cranfield)");
}

}  // namespace swiftlet
