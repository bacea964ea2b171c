// What GGUF files call the parts of a model, and what transformers calls them: one row a kind of model.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/gguf.h"
#include "swiftlet/io/json.h"

namespace swiftlet {

struct GgufName {
  std::string_view gguf;
  // A '*' stands for the number of an expert: the file has all of them in one tensor.
  std::string_view transformers;  // both without ".weight" and ".bias"
};

// The keys "<architecture>.<what>" of a file.
struct GgufKeys {
  const GgufFile& file;
  std::string_view architecture;

  std::string key(std::string_view what) const;
  std::string where(std::string_view what) const { return file.where_key(key(what)); }
  std::optional<std::int64_t> integer(std::string_view what) const { return file.integer(key(what)); }
  std::optional<double> number(std::string_view what) const { return file.number(key(what)); }
  std::optional<std::string_view> text(std::string_view what) const { return file.text(key(what)); }
  std::optional<bool> boolean(std::string_view what) const { return file.boolean(key(what)); }
  // Throw kInvalid when the key is missing or its value not in [1, 2^31).
  std::int64_t extent(std::string_view what) const;
  // The same of a value that may be given for each layer: all must be equal. `fallback` 0: none.
  std::int64_t extent_of_layers(std::string_view what, std::int64_t fallback = 0) const;
};

struct GgufModelWriter;  // gguf_metadata.h

struct GgufArchitecture {
  std::string_view name;            // general.architecture
  std::string_view model_type;      // of config.json
  std::string_view class_name;      // "LlamaForCausalLM"
  std::string_view layer_prefix;    // "model.layers."
  std::span<const GgufName> names;  // outside the layers
  std::span<const GgufName> layer_names;
  // The rows of query and key are in pairs of neighbours where transformers has two halves.
  bool neighbours = false;
  // Writes what config.json would hold, vocab_size and tie_word_embeddings included.
  void (*config)(const GgufKeys& keys, nlohmann::json& config);
  // The way back: the keys of a config.json. Null: such models are read, but not written.
  void (*write)(GgufModelWriter& writer) = nullptr;
  // What is added to the values of vectors whose name ends in "norm.weight": files of Gemma hold 1 + weight.
  float norm_offset = 0;
  // Keys besides the common ones that `config` reads.
  std::span<const std::string_view> keys = {};
  bool mixture = false;  // of files with experts; Mixtral has the architecture of Llama
  // Models that may have the head of a sequence classification: what the other names begin with beside it
  // ("roberta."). Empty: files have no heads.
  std::string_view root = {};
  // tokenizer.ggml.model of the files, where it tells models of one architecture apart.
  std::string_view vocabulary = {};
  // Positions begin behind that of the padding token; files leave the rows up to there out.
  bool positions_behind_padding = false;
};

// Throws kUnsupported for an architecture that is not known, listing those that are.
const GgufArchitecture& find_gguf_architecture(const GgufFile& file);

// "blk.3.attn_q.weight" as "model.layers.3.self_attn.q_proj.weight", "blk.3.ffn_up_exps.weight" as
// "model.layers.3.mlp.experts.*.up_proj.weight"; nullopt for a name that the row does not have.
std::optional<std::string> transformers_name(const GgufArchitecture& architecture, std::string_view name);

// The architecture that a model_type of transformers is written as; throws kUnsupported for others.
const GgufArchitecture& find_gguf_architecture(const Config& config);
// The way back of transformers_name.
std::optional<std::string> gguf_name(const GgufArchitecture& architecture, std::string_view name);

// In how many heads the rows of a tensor are in pairs of neighbours; 0: they are not. `where` names it in
// errors.
std::int64_t gguf_neighbour_heads(const GgufArchitecture& architecture, const Config& config,
                                  std::string_view name, const Shape& shape, const std::string& where);

// The table of positions, and how many of its first rows files leave out.
inline constexpr std::string_view kGgufPositions = "position_embd.weight";
std::int64_t gguf_rows_in_front(const GgufArchitecture& architecture, const Config& config);

// config.json. Warns about keys of the architecture that nothing reads.
Config gguf_config(const GgufFile& file, const GgufArchitecture& architecture);

// <architecture>.pooling_type, from 1; 0 is none.
inline constexpr std::array kGgufPoolings{Pooling::kMean, Pooling::kCls, Pooling::kLastToken};
inline constexpr std::int64_t kGgufRank = 4;  // a head scores the text

// Whether there is the head of a classification or re-ranker.
bool has_gguf_head(const GgufFile& file);

// Encoders: how their vectors become one, by <architecture>.pooling_type.
std::optional<SentenceTransformer> gguf_sentence_transformer(const GgufFile& file,
                                                             const GgufArchitecture& architecture);

}  // namespace swiftlet
