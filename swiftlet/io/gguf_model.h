// What GGUF files call the parts of a model, and what transformers calls them: one row a kind of model.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/gguf.h"
#include "swiftlet/io/gguf_row_order.h"
#include "swiftlet/io/json.h"

namespace swiftlet {

// How a tensor of a file differs from the weight of transformers, beside its name.
enum class GgufForm : std::uint8_t {
  kSame,
  kBare,    // transformers has no ".weight" behind the name
  kOneRow,  // a vector, where transformers has a matrix of one row
  // Queries, keys and values fused: all queries first, where transformers has them group by group.
  kGrouped,
  // Parts of the rows of a tensor that is more than one weight of transformers. Such are read only.
  kQueries,
  kKeys,
  kValues,
  kGates,  // the first half
  kUps,    // the second half
};

struct GgufName {
  // A '*' stands for the number of an expert, in old files with a tensor for each.
  std::string_view gguf;
  // A '*' in this one alone: the file has all experts in one tensor.
  std::string_view transformers;  // both without ".weight" and ".bias"
  GgufForm form = GgufForm::kSame;
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
  std::string_view name;        // general.architecture
  std::string_view model_type;  // of config.json
  std::string_view class_name;  // "LlamaForCausalLM"
  std::string_view layer_prefix = "model.layers.";
  std::string_view optional_root = "model.";  // what a checkpoint may leave out before its names
  std::span<const GgufName> names = {};       // outside the layers
  std::span<const GgufName> layer_names;
  // The rows of query and key are in pairs of neighbours where transformers has two halves.
  bool neighbours = false;
  // Writes what config.json would hold, vocab_size and tie_word_embeddings included.
  void (*config)(const GgufKeys& keys, nlohmann::json& config);
  // The way back: the keys of a config.json.
  void (*write)(GgufModelWriter& writer);
  // What is added to the values of vectors whose name ends in "norm.weight": files of Gemma hold 1 + weight.
  float norm_offset = 0;
  // Keys besides the common ones that `config` reads.
  std::span<const std::string_view> keys = {};
  bool mixture = false;  // of files with experts; Mixtral has the architecture of Llama
  // Models that may have the head of a sequence classification: what the other names begin with beside it
  // ("roberta."). Empty: files have no heads.
  std::string_view head_root = {};
  // tokenizer.ggml.model of the files, where it tells models of one architecture apart.
  std::string_view vocabulary = {};
  // Positions begin behind that of the padding token; files leave the rows up to there out.
  bool positions_behind_padding = false;
  // A part of a layer that tells this row from a later one of the same name, which lacks it: "attn_norm_2".
  std::string_view sign = {};
};

// Throws kUnsupported for an architecture that is not known, listing those that are.
const GgufArchitecture& find_gguf_architecture(const GgufFile& file);

// What is in a tensor: "blk.3.attn_q.weight" is "model.layers.3.self_attn.q_proj.weight", and
// "blk.3.ffn_up_exps.weight" is "model.layers.3.mlp.experts.*.up_proj.weight". More than one for fused ones,
// none for a name that the row does not have.
struct GgufContent {
  std::string name;
  GgufForm form = GgufForm::kSame;
};
std::vector<GgufContent> gguf_contents(const GgufArchitecture& architecture, std::string_view tensor);

// The architecture that a model is written as; throws kUnsupported for model types that have none.
const GgufArchitecture& find_gguf_architecture(const Checkpoint& checkpoint);

// The way back of gguf_contents: where a weight goes.
struct GgufPlace {
  std::string tensor;
  GgufForm form = GgufForm::kSame;
  std::optional<std::int64_t> expert;  // of a tensor for all of them
};
std::optional<GgufPlace> gguf_place(const GgufArchitecture& architecture, std::string_view weight);

// A size that configs say under one of several names. Throw kInvalid when there is none.
std::int64_t gguf_layer_count(const Config& config);
std::int64_t gguf_width(const Config& config);
std::int64_t gguf_head_count(const Config& config);

// The order of the rows of a weight of this shape. `where` names it in errors.
GgufRowOrder gguf_row_order(const GgufArchitecture& architecture, const Config& config,
                            const GgufContent& weight, const Shape& shape, const std::string& where);

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
