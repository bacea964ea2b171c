// SmolLM 3 (2025): Llama whose every fourth layer knows no positions.
#include "swiftlet/core/error.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

std::vector<bool> layers_with_rope(const Config& config, std::int64_t layers) {
  std::vector<bool> rope;
  const std::int64_t interval = config.int_or("no_rope_layer_interval", 4, 1, kMaxExtent);
  for (std::int64_t i = 0; i < layers; ++i) rope.push_back((i + 1) % interval != 0);
  if (!config.has("no_rope_layers")) return rope;
  const std::vector<std::int64_t> flags = config.ints("no_rope_layers");  // 1: with
  require(flags.size() >= rope.size(), config.where() + ": no_rope_layers", "has {} entries for {} layers",
          flags.size(), layers);
  for (std::size_t i = 0; i < rope.size(); ++i) rope[i] = flags[i] != 0;
  return rope;
}

DecoderSpec smollm3(const Config& config) {
  DecoderSpec spec = llama_spec(config, {.tied = true, .kv_heads = 4, .rope = {.theta = 2e6}});
  const auto rope = layers_with_rope(config, spec.layers);
  const int given = window_of(config, 0);
  const int window = config.bool_or("use_sliding_window", false) ? given : 0;
  const auto sliding =
      sliding_layers(config, spec.layers, [&](std::int64_t i) { return !rope[static_cast<std::size_t>(i)]; });
  spec.vary = [=](LayerSpec& layer, std::int64_t i) {
    if (!rope[static_cast<std::size_t>(i)]) layer.attention.rope.reset();
    if (sliding[static_cast<std::size_t>(i)]) layer.attention.spec.window = window;
  };
  return spec;
}

}  // namespace

const Family kSmolLm3{.model_type = "smollm3",
                      .title = "SmolLM 3",
                      .kind = Kind::kDecoder,
                      .build = build_from<smollm3>,
                      .ignores = ignores_buffers};

}  // namespace swiftlet::models
