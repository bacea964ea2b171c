#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/models/bert.h"
#include "swiftlet/models/llama.h"

namespace swiftlet::models {
namespace {

constexpr std::array kFamilies{&kBert, &kLlama};

void warn_unread(const Checkpoint& checkpoint, const Family& family, const Graph& graph) {
  std::vector<std::string> unread;  // no graph reads integers
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (!family.ignores(name)) unread.push_back(name);
  for (const auto& [name, weight] : checkpoint.weights)
    if (!graph.find(name) && !family.ignores(name)) unread.push_back(name);
  if (unread.empty()) return;
  const std::size_t shown = std::min<std::size_t>(unread.size(), 5);
  warn("{}: {} weights are not part of a '{}' model and are ignored: {}{}", checkpoint.source, unread.size(),
       family.model_type,
       fmt::join(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
       unread.size() > shown ? ", ..." : "");
}

}  // namespace

std::vector<std::string_view> known_families() {
  std::vector<std::string_view> names;
  for (const Family* family : kFamilies) names.push_back(family->model_type);
  return names;
}

const Family& find_family(const Config& config) {
  const std::string type = config.require_string("model_type");
  for (const Family* family : kFamilies)
    if (family->model_type == type) return *family;
  fail(ErrorCode::kUnsupported, config.where() + ": model_type", "'{}' is not available; known are {}", type,
       fmt::join(known_families(), ", "));
}

BuiltModel build_model(const Checkpoint& checkpoint) {
  const Family& family = find_family(checkpoint.config);
  if (checkpoint.config.has("quantization_config"))
    fail(ErrorCode::kUnsupported, checkpoint.config.where() + ": quantization_config",
         "checkpoints that another tool has quantized are not available yet; take the original one");
  const Scope::Shapes shapes = [&](const std::string& name) -> std::optional<Shape> {
    const Weight* weight = checkpoint.find(name);
    if (weight == nullptr) return std::nullopt;
    return weight->shape;
  };
  const SentenceTransformer* sentence =
      checkpoint.sentence_transformer ? &*checkpoint.sentence_transformer : nullptr;
  try {
    BuiltModel model = family.build(checkpoint.config, shapes, sentence);
    warn_unread(checkpoint, family, model.graph);
    return model;
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (text.starts_with("[" + checkpoint.config.where()) || text.starts_with("[" + checkpoint.source)) throw;
    fail(error.code(), checkpoint.source, "{}", text);
  }
}

}  // namespace swiftlet::models
