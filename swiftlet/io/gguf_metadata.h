// What a config.json says, as the keys of a GGUF file: the way back of GgufArchitecture::config.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/gguf_writer.h"

namespace swiftlet {

// Writes the keys "<architecture>.<what>", and the tensors that stand for numbers of a config.
struct GgufModelWriter {
  const Checkpoint& checkpoint;
  std::string_view architecture;
  GgufMetadata& metadata;
  std::vector<std::pair<std::string, std::vector<float>>> tensors = {};  // rope_freqs.weight, ...
  std::map<std::string, Shape, std::less<>> shapes = {};                 // of the tensors that hold weights

  const Config& config() const { return checkpoint.config; }
  void u32(std::string_view what, std::int64_t value) { metadata.u32(key(what), value); }
  void f32(std::string_view what, double value) { metadata.f32(key(what), value); }
  void text(std::string_view what, std::string_view value) { metadata.text(key(what), value); }
  void boolean(std::string_view what, bool value) { metadata.boolean(key(what), value); }
  std::string key(std::string_view what) const;
  // Dimension `axis` of a tensor; 0 when there is none.
  std::int64_t extent(std::string_view tensor, std::size_t axis) const;
};

// By architecture; they throw kInvalid for a config that lacks what the family needs.
void write_gguf_decoder(GgufModelWriter& writer);
void write_gguf_granite(GgufModelWriter& writer);
void write_gguf_windowed(GgufModelWriter& writer);  // Phi 3
void write_gguf_gemma2(GgufModelWriter& writer);
void write_gguf_gemma3(GgufModelWriter& writer);
void write_gguf_mixtral(GgufModelWriter& writer);
void write_gguf_mixture(GgufModelWriter& writer);  // Qwen, OLMoE
void write_gguf_gpt_oss(GgufModelWriter& writer);
void write_gguf_granite_moe(GgufModelWriter& writer);
void write_gguf_bert(GgufModelWriter& writer);
void write_gguf_roberta(GgufModelWriter& writer);

}  // namespace swiftlet
