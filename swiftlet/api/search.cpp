#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "swiftlet/api/model_impl.h"

namespace swiftlet {
namespace {

// Rows of unit length, so that inner products are cosines. Throws kInvalid for a row with no number.
void normalize_rows(Embeddings& vectors, std::string_view where) {
  const auto width = static_cast<std::size_t>(vectors.columns);
  for (std::size_t row = 0; row < static_cast<std::size_t>(vectors.rows); ++row) {
    const std::span<float> values(vectors.values.data() + row * width, width);
    const double square = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    require(std::isfinite(square), where, "text {} has a vector with a value that is no number", row + 1);
    const double length = std::sqrt(square);
    for (float& value : values) value = length > 0 ? static_cast<float>(value / length) : 0;
  }
}

}  // namespace

SearchIndex::SearchIndex(Model& model, std::vector<std::string> passages, const Job* job)
    : SearchIndex(model, std::move(passages), job, Prompts{}) {}

SearchIndex::SearchIndex(Model& model, std::vector<std::string> passages, const Job* job, Prompts prompts)
    : model_(&model),
      passages_(std::move(passages)),
      prompts_(std::move(prompts)),
      vectors_(model.embed(passages_, job, prompts_.passage)) {
  if (passages_.empty()) fail(ErrorCode::kInvalid, "search", "the corpus has no passage");
  normalize_rows(vectors_, "search: passages");
}

std::vector<SearchIndex::Hit> SearchIndex::search(std::string_view query, std::size_t count) {
  Embeddings wanted = model_->embed({std::string(query)}, nullptr, prompts_.query);
  normalize_rows(wanted, "search: query");
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
