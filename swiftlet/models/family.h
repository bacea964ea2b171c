// Family: a kind of model: how its config and its weights become a core graph. One file each and a row of
// registry.cpp.
//
// Every graph has the inputs
//   token_ids    i32 [tokens]
//   positions    i32 [tokens]    from 0 in each sequence
//   output_rows  i32 [outputs]   decoders: the rows whose logits are wanted
//   token_types  i32 [tokens]    encoders with segment embeddings
//   skipped_tokens  i32 [sequences]  sentence encoders that do not pool the tokens of a prompt
// over the ragged axis `tokens`. Decoders end in `logits` f32 [outputs, V]; encoders in `last_hidden_state`
// f32 [tokens, D], in `sentence_embedding` f32 [sequences, D] when they come as a sentence transformer, or in
// the `logits` of their head (head.h), which for a masked LM reads output_rows too. A decoder that comes as a
// sentence transformer or with such a head is run as an encoder: all at once, and no cache.
// The values hidden.0 (the embedding) to hidden.L (the last layer; after the final norm where there is one)
// can be kept as taps; they are what transformers calls hidden_states.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/graph/scope.h"
#include "swiftlet/io/checkpoint.h"
#include "swiftlet/models/head.h"

namespace swiftlet::models {

// Of every width, vocabulary and context; bounds what a hostile config can ask for.
inline constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;

enum class Kind : std::uint8_t { kDecoder, kEncoder };

struct BuiltModel {
  Graph graph;
  Kind kind = Kind::kDecoder;
  std::int64_t layers = 0, hidden_size = 0, vocab_size = 0, max_positions = 0;
  std::int64_t short_context = 0;         // longer sequences turn otherwise (RopeSpec), 0: none do
  std::int64_t token_types = 0;           // rows of the segments' table, 0: none
  std::optional<Head> head;               // what the graph ends in, beside words that follow and vectors
  std::string unknown_head;               // the class of config.json where its head is not known
  std::vector<std::string> unknown_keys;  // of the config, which were warned about
};

// What a model ends in when it is neither a decoder nor a plain encoder; at most one is not null.
struct Ending {
  const SentenceTransformer* sentence = nullptr;
  const HeadSpec* head = nullptr;
};

struct Family {
  std::string_view model_type;  // as in config.json
  std::string_view title;       // the models that users know it by, for docs/models.md
  Kind kind;
  // `shapes` tells which weights the checkpoint has.
  BuiltModel (*build)(const Config& config, const Scope::Shapes& shapes, const Ending& ending);
  // Weights that a checkpoint of this family may carry without the graph reading them (other heads, buffers).
  bool (*ignores)(std::string_view weight);
  // Keys of the config that change nothing here, beside those that no family asks for.
  std::vector<std::string_view> harmless = {};
  // Beside the usual one of decoders.
  std::span<const HeadSpec> heads = {};
};

// Throws kUnsupported for an unknown model_type, listing those that are known.
const Family& find_family(const Config& config);
std::vector<std::string_view> known_families();
// The endings of class names that the family of a config knows: "ForMaskedLM, ForTokenClassification, ...".
std::string known_heads(const Config& config);
// docs/models.md.
std::string models_markdown();

// Builds the graph of a checkpoint. Throws Error for missing or misshapen weights and for what the config
// asks that is not available. Weights that nothing reads and that the family does not know are warned about
// by name; so are keys of the config that the family does not know.
BuiltModel build_model(const Checkpoint& checkpoint);

}  // namespace swiftlet::models
