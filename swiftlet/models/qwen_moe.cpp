// Qwen 1.5 and 2 MoE (Yang et al., 2024) and Qwen 3 MoE (2025): Qwen with many small experts in some layers
// or all; the older ones with a shared expert beside them.
#include <algorithm>

#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

// Layers of every `decoder_sparse_step`-th number have the mixture, but for mlp_only_layers; the others keep
// the feed-forward network.
std::vector<bool> sparse_layers(const Config& config, std::int64_t layers) {
  const std::int64_t every = config.int_or("decoder_sparse_step", 1, 1, kMaxExtent);
  const std::vector<std::int64_t> dense = config.ints("mlp_only_layers");
  std::vector<bool> sparse;
  for (std::int64_t i = 0; i < layers; ++i)
    sparse.push_back((i + 1) % every == 0 && std::find(dense.begin(), dense.end(), i) == dense.end());
  return sparse;
}

MixtureSpec qwen_mixture(const Config& config, const DecoderSpec& spec) {
  MixtureSpec mixture = mixture_spec(config, "moe_intermediate_size", spec.layer.mlp.activation);
  mixture.routing.over_all = !config.bool_or("norm_topk_prob", false);
  return mixture;
}

// What a layer of a number has: a mixture or not, a window or not.
void vary(DecoderSpec& spec, const MixtureSpec& mixture, const std::vector<bool>& sparse,
          const std::vector<bool>& sliding, int window) {
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (sparse[static_cast<std::size_t>(i)]) layer.mixture = mixture;
    if (sliding[static_cast<std::size_t>(i)]) layer.attention.spec.window = window;
  };
}

DecoderSpec qwen2_moe(const Config& config) {
  DecoderSpec spec = llama_spec(config);
  spec.layer.attention.bias = config.bool_or("qkv_bias", true);
  spec.layer.attention.output_bias = false;
  MixtureSpec mixture = qwen_mixture(config, spec);
  mixture.shared_width = config.require_int("shared_expert_intermediate_size", 1, kMaxExtent);
  const bool slides = config.bool_or("use_sliding_window", false);
  const std::int64_t windows = config.int_or("max_window_layers", 28, 0, kMaxExtent);
  const auto sliding = sliding_layers(config, spec.layers,
                                      [&](std::int64_t i) { return slides && i % 2 == 0 && i < windows; });
  vary(spec, mixture, sparse_layers(config, spec.layers), sliding, slides ? window_of(config, 4096) : 0);
  return spec;
}

DecoderSpec qwen3_moe(const Config& config) {
  DecoderSpec spec = llama_spec(config);
  spec.layer.attention.qk_norm = QkNorm::kHead;
  const bool slides = config.bool_or("use_sliding_window", false);
  const int window = window_of(config, 4096);
  vary(spec, qwen_mixture(config, spec), sparse_layers(config, spec.layers),
       std::vector<bool>(static_cast<std::size_t>(spec.layers), slides), window);
  return spec;
}

}  // namespace

const Family kQwen2Moe{.model_type = "qwen2_moe",
                       .title = "Qwen 1.5 MoE, Qwen 2 MoE",
                       .kind = Kind::kDecoder,
                       .build = build_from<qwen2_moe>,
                       .ignores = ignores_buffers,
                       .harmless = {"router_aux_loss_coef", "sliding_window"}};
const Family kQwen3Moe{.model_type = "qwen3_moe",
                       .title = "Qwen 3 MoE (30B-A3B, 235B-A22B), Qwen 3 Coder",
                       .kind = Kind::kDecoder,
                       .build = build_from<qwen3_moe>,
                       .ignores = ignores_buffers,
                       .harmless = {"router_aux_loss_coef", "max_window_layers"}};

}  // namespace swiftlet::models
