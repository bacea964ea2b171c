#include "swiftlet/eval/beir.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "swiftlet/core/error.h"
#include "swiftlet/core/text_source.h"
#include "swiftlet/eval/qrels.h"

namespace swiftlet {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;  // a folder that may not be entered is reported when its files are opened
  return fs::exists(path, ignored);
}

// The file itself or its gzip form.
fs::path either(const fs::path& path) {
  fs::path compressed = path;
  compressed += ".gz";
  return !is_there(path) && is_there(compressed) ? compressed : path;
}

std::string text_field(const std::string& where, const Json& object, const char* name) {
  const auto found = object.find(name);
  require(found != object.end() && found->is_string(), where, "expected a string \"{}\"", name);
  return found->get<std::string>();
}

std::string optional_text(const std::string& where, const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  return text_field(where, object, name);
}

// Some conversions write the ids as numbers.
std::string id_field(const std::string& where, const Json& object) {
  const auto found = object.find("_id");
  if (found != object.end() && found->is_number_integer()) return found->dump();
  return text_field(where, object, "_id");
}

// Calls `take(where, id, object)` for every object of the file; ids must differ.
void for_each_object(const fs::path& path,
                     const std::function<void(const std::string&, std::string, const Json&)>& take) {
  LineReader reader(path);
  std::unordered_set<std::string> seen;
  for (std::string line; reader.next(line);) {
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    const std::string where = reader.where();
    const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    require(object.is_object(), where, "expected one JSON object a line, got '{}'", line.substr(0, 60));
    std::string id = id_field(where, object);
    require(seen.insert(id).second, where, "\"_id\" {} comes twice", id);
    take(where, std::move(id), object);
  }
  require(!seen.empty(), path.string(), "is empty, expected one JSON object a line");
}

std::string available_splits(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "qrels", ignored))
    if (entry.path().extension() == ".tsv") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

bool is_beir_folder(const fs::path& folder) {
  return is_there(either(folder / "corpus.jsonl"));
}

RetrievalCollection read_beir(const fs::path& folder, const std::string& split) {
  const fs::path judgements = folder / "qrels" / (split + ".tsv");
  if (!is_there(judgements))
    fail(ErrorCode::kNotFound, judgements.string(), "does not exist; splits here: {}",
         available_splits(folder));
  RetrievalCollection collection;
  collection.qrels = read_beir_qrels(judgements);
  for_each_object(
      either(folder / "corpus.jsonl"), [&](const std::string& where, std::string id, const Json& object) {
        collection.documents.push_back(
            {std::move(id), optional_text(where, object, "title"), text_field(where, object, "text")});
      });
  for_each_object(either(folder / "queries.jsonl"),
                  [&](const std::string& where, std::string id, const Json& object) {
                    if (collection.qrels.contains(id))
                      collection.queries.push_back({std::move(id), text_field(where, object, "text")});
                  });
  require(collection.queries.size() == collection.qrels.size(), judgements.string(),
          "judges {} queries, of which queries.jsonl holds {}", collection.qrels.size(),
          collection.queries.size());
  return collection;
}

}  // namespace swiftlet
