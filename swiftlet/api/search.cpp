#include <algorithm>
#include <numeric>

#include "swiftlet/api/model_impl.h"

namespace swiftlet {

SearchIndex::SearchIndex(Model& model, std::vector<std::string> passages, const Job* job)
    : model_(&model), passages_(std::move(passages)), vectors_(model.embed(passages_, job)) {
  if (passages_.empty()) fail(ErrorCode::kInvalid, "search", "the corpus has no passage");
}

std::vector<SearchIndex::Hit> SearchIndex::search(std::string_view query, std::size_t count) {
  const Embeddings wanted = model_->embed({std::string(query)});
  const auto width = static_cast<std::size_t>(vectors_.columns);
  std::vector<Hit> hits(passages_.size());
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const float* passage = vectors_.values.data() + i * width;
    hits[i] = {i, std::inner_product(passage, passage + width, wanted.values.begin(), 0.0f)};
  }
  count = std::min(count, hits.size());
  const auto better = [](const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score > b.score : a.passage < b.passage;
  };
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(count), hits.end(), better);
  hits.resize(count);
  return hits;
}

}  // namespace swiftlet
