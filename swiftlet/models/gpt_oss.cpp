// gpt-oss (OpenAI, 2025): mixtures of experts with biases and clamped gates, a learned sink in the softmax of
// every head, every second layer within a window.
#include "swiftlet/core/error.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

DecoderSpec gpt_oss(const Config& config) {
  // Its own scaling (YaRN) is in every published config; without one transformers assumes it.
  require(config.has("rope_parameters") || config.has("rope_scaling"), config.where() + ": rope_parameters",
          "is missing: gpt_oss needs the scaling of its positions");
  DecoderSpec spec = llama_spec(
      config,
      {.eps = 1e-5, .attention_bias = true, .head_dim = 64, .kv_heads = 8, .rope = {.theta = 150000}});
  AttentionLayerSpec& attention = spec.layer.attention;
  attention.spec.sinks = true;
  MixtureSpec mixture = mixture_spec(config, "intermediate_size", "silu");
  mixture.router = "mlp.router";
  mixture.router_bias = mixture.bias = true;
  mixture.activation.alpha = config.number_or("swiglu_alpha", 1.702, 0, 1e6);
  mixture.activation.limit = config.number_or("swiglu_limit", 7, 1e-6, 1e6);
  require_only(config, "hidden_act", std::string_view("silu"));
  spec.layer.mixture = mixture;
  const int window = window_of(config, 128);
  const auto sliding = sliding_layers(config, spec.layers, [](std::int64_t i) { return i % 2 == 0; });
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (sliding[static_cast<std::size_t>(i)]) layer.attention.spec.window = window;
  };
  return spec;
}

}  // namespace

const Family kGptOss{.model_type = "gpt_oss",
                     .title = "gpt-oss (20b, 120b)",
                     .kind = Kind::kDecoder,
                     .build = build_from<gpt_oss>,
                     .ignores = ignores_buffers,
                     .harmless = {"router_aux_loss_coef", "initial_context_length", "experts_per_token"}};

}  // namespace swiftlet::models
