#include <cmath>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/io/npy.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet {

std::string embedding_line(const Embeddings& vectors, std::int64_t row, std::string_view text) {
  SWIFTLET_ASSERT(row >= 0 && row < vectors.rows);
  using Json = nlohmann::json;
  std::string line = "{\"text\": ";
  line += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);  // bytes that are no UTF-8
  line += ", \"embedding\": [";
  const std::span<const float> values(vectors.values);
  const auto count = std::size_t(vectors.columns);
  const auto own = values.subspan(std::size_t(row) * count, count);
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (i > 0) line += ", ";
    if (std::isfinite(own[i]))
      fmt::format_to(std::back_inserter(line), "{}", own[i]);
    else
      line += "null";  // JSON has no NaN
  }
  return line + "]}";
}

void write_embeddings(const Embeddings& vectors, const std::vector<std::string>& texts,
                      const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension != ".npy" && extension != ".jsonl")
    fail(ErrorCode::kUsage, path, "a name that ends in .npy or .jsonl was expected");
  require(std::int64_t(texts.size()) == vectors.rows, path, "{} texts were expected, {} came", vectors.rows,
          texts.size());
  if (extension == ".npy") return write_npy(path, vectors.values, vectors.columns);
  OutputFile file{std::filesystem::path(path)};
  for (std::int64_t row = 0; row < vectors.rows; ++row)
    file.write(embedding_line(vectors, row, texts[std::size_t(row)]) + "\n");
  file.commit();
}

}  // namespace swiftlet
