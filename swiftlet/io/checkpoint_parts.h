// The pieces that load_checkpoint puts together. Only for swiftlet/io.
#pragma once

#include <utility>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {

// Adds every tensor of the file: floats as weights, integers as tensors; f64 becomes f32. `stream` as in
// CheckpointOptions. Throws kInvalid for a name that is already there.
void add_tensors(Checkpoint& checkpoint, const SafetensorsFile& file, bool stream = false);

// model.safetensors of `folder`, or the shards that model.safetensors.index.json lists. Throws kInvalid when
// a shard misses a tensor that the index promises, kNotFound when there is no such file.
std::vector<SafetensorsFile> open_safetensors_folder(const std::filesystem::path& folder);

// generation_config.json over what config.json says.
GenerationConfig read_generation(const std::filesystem::path& folder, const Config& config);

// chat_template.jinja, or the template inside tokenizer_config.json; empty when there is none.
std::string read_chat_template(const std::filesystem::path& folder, const Config& tokenizer_config);

// The flags of 1_Pooling/config.json.
inline constexpr std::pair<std::string_view, Pooling> kPoolingKeys[] = {
    {"pooling_mode_cls_token", Pooling::kCls},
    {"pooling_mode_mean_tokens", Pooling::kMean},
    {"pooling_mode_max_tokens", Pooling::kMax},
    {"pooling_mode_mean_sqrt_len_tokens", Pooling::kMeanSqrtLength},
    {"pooling_mode_weightedmean_tokens", Pooling::kWeightedMean},
    {"pooling_mode_lasttoken", Pooling::kLastToken},
};

// modules.json of sentence-transformers: the folder of the transformer, and what follows it.
struct SentenceModules {
  std::filesystem::path transformer;
  SentenceTransformer rest;
  std::int64_t dimension = 0;  // word_embedding_dimension of the pooling; 0: not said
};
SentenceModules read_sentence_modules(const std::filesystem::path& folder);

}  // namespace swiftlet
