// Checkpoint: what a model is before a graph is built from it, whatever file it came from.
//
// Weights carry the names and the conventions of transformers (rope in two halves, linear weights [out, in]).
// They share the mapping of their file: the file must not be changed while a checkpoint lives. A checkpoint
// is plain data; any thread may read it.
//
// What load_checkpoint knows:
//   folder        config.json and model.safetensors, or model.safetensors.index.json with its shards
//   folder        modules.json: sentence-transformers (Transformer, Pooling, Dense, LayerNorm, Normalize)
//   .safetensors  with config.json beside it
//   .bin          llama2.c, version 0 (see llama2c.h)
//   .gguf         versions 2 and 3, alone, in parts, or alone in a folder (see gguf_checkpoint.h)
//   .swiftlet     native (see native.h)
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/tensor.h"
#include "swiftlet/encoding/weight.h"
#include "swiftlet/io/config.h"

namespace swiftlet {

enum class TokenizerKind : std::uint8_t {
  kNone,
  kTokenizerJson,  // tokenizer.json of the tokenizers library
  kVocabText,      // vocab.txt: WordPiece, one token a line
  kLlama2c,        // tokenizer.bin of llama2.c: scores and pieces of a SentencePiece BPE
  kVocabMerges,    // vocab.json and merges.txt: byte-pair encoding
  kSentencePiece,  // tokenizer.model, spiece.model; also tiktoken's tokenizer.model, as the bytes tell
  kTiktoken,       // *.tiktoken: tokens in base64 and their ranks
  kGguf,           // the metadata of a GGUF file
};

// "tokenizer.json", "vocab.txt", "llama2.c", "vocab.json", "sentencepiece", "tiktoken", "gguf", "none".
std::string_view to_string(TokenizerKind kind);
// The name under which such a file lies in a model's folder; empty for kNone and kGguf.
std::string_view file_name(TokenizerKind kind);

class GgufFile;  // io/gguf.h

struct TokenizerSource {
  TokenizerKind kind = TokenizerKind::kNone;
  std::string where;  // the file, for errors; for kNone what was looked for
  Buffer bytes;       // the file as it is, mapped
  Buffer tables;      // of a native file: tables of `bytes`, a tokenizer.json, ready for use; may be empty
  Config config;      // tokenizer_config.json; empty when there is none
  // Other files that count for it, by name: merges.txt, added_tokens.json, special_tokens_map.json.
  std::map<std::string, Buffer, std::less<>> files;
  std::shared_ptr<const GgufFile> gguf;  // of kGguf, which has no bytes
  std::string model_type;  // of config.json: tells the kind of tokenizer where its own files do not

  // The path of a file beside it, for errors.
  std::string beside(std::string_view name) const {
    return (std::filesystem::path(where).parent_path() / name).string();
  }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

enum class Pooling : std::uint8_t { kMean, kCls, kMax, kLastToken, kMeanSqrtLength, kWeightedMean };

// "mean", "cls", "max", "lasttoken", "mean_sqrt_len_tokens", "weightedmean": the names of
// sentence-transformers.
std::string_view to_string(Pooling pooling);
std::string to_string(const std::vector<Pooling>& pooling);  // "cls+mean"

// What may stand behind the pooling; the weights of the first two are those of the checkpoint whose names
// begin with `name` and a dot.
struct SentenceLayer {
  enum class Kind : std::uint8_t { kDense, kLayerNorm, kNormalize };
  Kind kind = Kind::kNormalize;  // kNormalize: to unit length
  std::string name;              // "2_Dense", the folder in sentence-transformers
  // Dense: activation(W x + b) + residual(x).
  std::int64_t outputs = 0;
  std::string activation;  // as config.json says them: "tanh"; empty: none
  bool bias = true, residual = false;
};

// What turns the hidden states of an encoder into a sentence vector.
struct SentenceTransformer {
  std::vector<Pooling> pooling = {Pooling::kMean};  // several: side by side
  bool include_prompt = true;                       // whether the tokens of a prompt are pooled
  std::vector<SentenceLayer> layers;                // behind the pooling, in order
  std::int64_t max_seq_length = 0;                  // tokens, special ones included; 0: what the model allows
  bool do_lower_case = false;                       // before the tokenizer
  std::map<std::string, std::string> prompts;       // texts put before the input, by name
  std::string default_prompt;                       // a name in prompts, or empty
};

struct GenerationConfig {
  std::vector<std::int64_t> eos_token_ids;  // generation ends at any of them
  std::optional<std::int64_t> bos_token_id, pad_token_id;
};

struct Checkpoint {
  std::string source;  // the path that the user gave, for errors
  std::string format;  // "safetensors", "torch", "llama2.c", "gguf", "native"
  Config config;       // config.json of transformers, made up for files that have none
  std::map<std::string, Weight, std::less<>> weights;  // every float tensor, or the encoded weights
  // CheckpointOptions::stream: makes those weights anew that have no codes.
  std::map<std::string, std::function<Weight()>, std::less<>> made_weights;
  std::map<std::string, Tensor, std::less<>> tensors;  // integer tensors, as they are
  TokenizerSource tokenizer;
  GenerationConfig generation;
  std::optional<SentenceTransformer> sentence_transformer;
  std::string chat_template;                           // Jinja, empty when there is none
  std::map<std::string, std::string> named_templates;  // others beside it: "tool_use", "rag"
  std::string plan, certificate;                       // native files: JSON, empty otherwise

  // Throws kNotFound "[source: weight 'x'] is missing".
  const Weight& weight(std::string_view name) const;
  const Weight* find(std::string_view name) const;
  // weight(name), made anew where it comes from made_weights.
  Weight with_bytes(std::string_view name) const;
  std::int64_t weight_bytes() const;
};

struct CheckpointOptions {
  // Throw kMemory when the weights are larger than the memory that is left.
  bool check_memory = true;
  // For walking through the weights one by one, whatever the size of the model: weights whose bytes are not
  // as they lie in the file (f64, unaligned ones, rows in another order, blocks of GGUF) have no codes until
  // with_bytes() makes them.
  bool stream = false;
};

// Throws kNotFound, kInvalid, kUnsupported, kIo or kMemory with the file and the place in it.
Checkpoint load_checkpoint(const std::filesystem::path& path, const CheckpointOptions& options = {});

}  // namespace swiftlet
