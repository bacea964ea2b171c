// Qwen 2 and 2.5 (Yang et al., 2024) and Qwen 3 (2025): Llama with biases on queries, keys and values, or
// with normalized heads instead.
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

// The layers from max_window_layers on see a window when use_sliding_window is set.
void slide(DecoderSpec& spec, const Config& config) {
  const int window = window_of(config, 4096);
  const std::int64_t first = config.int_or("max_window_layers", 28, 0, kMaxExtent);
  const auto sliding = sliding_layers(config, spec.layers, [&](std::int64_t i) { return i >= first; });
  if (!config.bool_or("use_sliding_window", false) || window == 0) return;
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (sliding[static_cast<std::size_t>(i)]) layer.attention.spec.window = window;
  };
}

DecoderSpec qwen2(const Config& config) {
  DecoderSpec spec = llama_spec(config);
  spec.layer.attention.bias = true;
  spec.layer.attention.output_bias = false;
  slide(spec, config);
  return spec;
}

DecoderSpec qwen3(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.head_dim = 128});
  spec.layer.attention.qk_norm = QkNorm::kHead;
  slide(spec, config);
  return spec;
}

}  // namespace

const Family kQwen2{.model_type = "qwen2",
                    .title = "Qwen 2 and 2.5, DeepSeek-R1-Distill-Qwen",
                    .kind = Kind::kDecoder,
                    .build = build_from<qwen2>,
                    .ignores = ignores_buffers};
const Family kQwen3{.model_type = "qwen3",
                    .title = "Qwen 3",
                    .kind = Kind::kDecoder,
                    .build = build_from<qwen3>,
                    .ignores = ignores_buffers};

}  // namespace swiftlet::models
