// The pieces that load_checkpoint puts together. Only for swiftlet/io, and for what downloads such folders.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/tensor_file.h"

namespace swiftlet {

TensorFile tensors_of(const SafetensorsFile& file);
TensorFile open_safetensors_file(const std::filesystem::path& path);

// Adds every tensor of the file: floats as weights, integers and fp8, which may have scales, as tensors; f64
// becomes f32. `stream` as in CheckpointOptions. Names get `prefix`. Throws kInvalid for a name that is
// already there.
void add_tensors(Checkpoint& checkpoint, const TensorFile& file, bool stream = false,
                 const std::string& prefix = "");

// The weights of a folder, or the index of their shards: the first of these that is there.
inline constexpr std::string_view kWeightFiles[] = {"model.safetensors", "model.safetensors.index.json",
                                                    "pytorch_model.bin", "pytorch_model.bin.index.json"};
// Makes weights of bf16 of the fp8 that nobody has taken.
void widen_float8(Checkpoint& checkpoint, bool stream);

// model.safetensors of `folder` or else pytorch_model.bin, or the index of their shards.
std::optional<std::filesystem::path> find_weights(const std::filesystem::path& folder);
// These files, the shards of an index included; empty when there are none. Throws kInvalid when a shard
// misses a tensor that the index promises.
std::vector<TensorFile> open_weights(const std::filesystem::path& folder);

// generation_config.json over what config.json says.
GenerationConfig read_generation(const std::filesystem::path& folder, const Config& config);

// chat_template.jinja, chat_template.json, or the template inside tokenizer_config.json (of several the one
// named default); empty when there is none.
std::string read_chat_template(const std::filesystem::path& folder, const Config& tokenizer_config);
// The others by name: additional_chat_templates/*.jinja, or the list inside tokenizer_config.json where that
// is what counts.
std::map<std::string, std::string> read_named_templates(const std::filesystem::path& folder,
                                                        const Config& tokenizer_config);

// The flags of 1_Pooling/config.json, in the order in which several stand side by side.
inline constexpr std::pair<std::string_view, Pooling> kPoolingKeys[] = {
    {"pooling_mode_cls_token", Pooling::kCls},
    {"pooling_mode_max_tokens", Pooling::kMax},
    {"pooling_mode_mean_tokens", Pooling::kMean},
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
// The weights of a module behind the pooling, named after it.
void add_layer(Checkpoint& checkpoint, const std::filesystem::path& folder, const SentenceLayer& layer,
               bool stream);

// Activations of Dense modules, by the classes of PyTorch, and as config.json names them.
inline constexpr std::pair<std::string_view, std::string_view> kDenseActivations[] = {
    {"torch.nn.modules.linear.Identity", ""},     {"torch.nn.modules.activation.Tanh", "tanh"},
    {"torch.nn.modules.activation.ReLU", "relu"}, {"torch.nn.modules.activation.GELU", "gelu"},
    {"torch.nn.modules.activation.SiLU", "silu"}, {"torch.nn.modules.activation.Sigmoid", "sigmoid"},
};
SentenceModules read_sentence_modules(const std::filesystem::path& folder);

}  // namespace swiftlet
