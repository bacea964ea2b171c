// Scale sites: where a graph can divide the channels of a linear layer's input without a node more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swiftlet/graph/graph.h"
#include "swiftlet/runtime/weight_store.h"

namespace swiftlet {

// The weight that carries the division: the gain of a norm, or a matrix whose rows give the channels, the
// input being linear in them (values before attention, what a gate multiplies, a layer before ReLU).
struct ScaleSite {
  std::string carrier;            // [channels] or [rows, K]
  std::string bias;               // of it; may be empty
  double gain_offset = 0;         // of a norm whose gain is stored less by this
  std::vector<std::int64_t> row;  // of the carrier, for each channel; several channels may share one
};

// The site of what `input` holds. None where something but linears reads it, where a weight that would have
// to change has other readers, or where no weight can carry the division.
std::optional<ScaleSite> find_scale_site(const Graph& graph, ValueId input);

// Divides what the site carries by s, one factor for each channel, the same for channels that share a row. A
// gain and a bias keep their encoding, so a gain takes what can be written in it, and s is corrected to that;
// a matrix becomes f32, for it will be encoded anew.
void divide_at_site(const ScaleSite& site, std::vector<float>& s, WeightStore& weights);

// Multiplies column c of a matrix [N, K] by s[c], in f32.
Weight with_scaled_columns(const Weight& weight, const std::vector<float>& s);

}  // namespace swiftlet
