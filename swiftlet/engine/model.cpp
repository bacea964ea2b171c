#include "swiftlet/engine/model.h"

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::optional<Tokenizer> load_tokenizer(const TokenizerSource& source) {
  if (source.kind == TokenizerKind::kNone) return std::nullopt;
  return Tokenizer::from_source(source);
}

}  // namespace

std::shared_ptr<LoadedModel> LoadedModel::load(const std::filesystem::path& path,
                                               const ModelOptions& options) {
  return from_checkpoint(load_checkpoint(path), options);
}

std::shared_ptr<LoadedModel> LoadedModel::from_checkpoint(Checkpoint checkpoint,
                                                          const ModelOptions& options) {
  auto model = std::make_shared<LoadedModel>();
  model->options = options;
  model->built = models::build_model(checkpoint);
  model->tokenizer = load_tokenizer(checkpoint.tokenizer);
  model->weights = std::make_shared<WeightStore>();
  for (auto& [name, weight] : checkpoint.weights)
    if (model->built.graph.find(name)) model->weights->add(std::move(weight));
  checkpoint.weights.clear();
  model->checkpoint = std::move(checkpoint);
  model->pool = options.pool != nullptr ? options.pool : std::make_shared<ThreadPool>(options.threads);
  return model;
}

const Tokenizer& LoadedModel::require_tokenizer() const {
  if (!tokenizer)
    fail(ErrorCode::kNotFound, checkpoint.source, "has no tokenizer (looked for {})",
         checkpoint.tokenizer.where);
  return *tokenizer;
}

std::vector<std::int32_t> LoadedModel::encode(std::string_view text,
                                              const EncodeOptions& encode_options) const {
  std::vector<std::int32_t> ids = require_tokenizer().encode(text, encode_options).ids;
  check_ids(ids);
  return ids;
}

std::vector<std::int32_t> LoadedModel::encode_prompt(std::string_view prompt) const {
  std::vector<std::int32_t> ids = encode(prompt);
  if (ids.empty()) {
    const auto& generation = checkpoint.generation;
    const std::int32_t begin = generation.bos_token_id ? static_cast<std::int32_t>(*generation.bos_token_id)
                                                       : require_tokenizer().special().bos;
    require(begin >= 0, "prompt", "is empty and the model has no begin token");
    ids.push_back(begin);
  }
  return ids;
}

void LoadedModel::check_ids(std::span<const std::int32_t> ids) const {
  for (std::int32_t id : ids)
    require(id >= 0 && id < built.vocab_size, checkpoint.source,
            "token {} is not in the model's vocabulary of {}", id, built.vocab_size);
}

std::shared_ptr<const Program> LoadedModel::compile_program(std::map<std::string, std::int64_t> maxima,
                                                            bool paged_cache, std::vector<std::string> keep,
                                                            bool fuse) const {
  return std::make_shared<const Program>(compile(built.graph, *weights,
                                                 {.maxima = std::move(maxima),
                                                  .keep = std::move(keep),
                                                  .precision = options.precision,
                                                  .paged_cache = paged_cache,
                                                  .fuse = fuse,
                                                  .table = options.table,
                                                  .threads = pool->size()}));
}

std::int64_t LoadedModel::max_sequence_length() const {
  const auto& sentence = checkpoint.sentence_transformer;
  if (sentence && sentence->max_seq_length > 0)
    return std::min(sentence->max_seq_length, built.max_positions);
  // Often a number far beyond what the model takes, which means nothing.
  const double own = checkpoint.tokenizer.config.number_or("model_max_length", 1e30);
  return own >= 1 && own < static_cast<double>(built.max_positions) ? static_cast<std::int64_t>(own)
                                                                    : built.max_positions;
}

}  // namespace swiftlet
