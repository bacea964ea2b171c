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

// What a family takes where its config is silent.
struct GgufRopeDefaults {
  double theta = 10000;
  double partial = 1;  // the part of a head that rotates
};

// Sizes, under whichever names a config has them. `left_out`: positions that the model counts and files do
// not. These and those below throw kInvalid for a config that lacks what the family needs.
void write_common(GgufModelWriter& writer, std::int64_t left_out = 0);
void write_layer_norm(GgufModelWriter& writer, double usual = 1e-5);
void write_window(GgufModelWriter& writer, std::int64_t usual);
// Which layers see the window, where a config says it.
void write_layer_types(GgufModelWriter& writer);
// clip_qkv of a section.
void write_clamp(GgufModelWriter& writer, const Config& section);
// The base of positions within windows: rope_parameters, or a key of older configs.
double rope_theta_of_windows(const Config& config, const char* key);
// Heads and their rotation.
void write_rotary(GgufModelWriter& writer, const GgufRopeDefaults& defaults = {});

// All of a decoder with RMSNorm.
void write_gguf_decoder(GgufModelWriter& writer);

}  // namespace swiftlet
