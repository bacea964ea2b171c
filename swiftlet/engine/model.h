// LoadedModel: a checkpoint on this machine: graph, weights in slots, tokenizer, threads. What the engines
// share.
//
// Immutable after load but for the weight store, which is thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "swiftlet/models/family.h"
#include "swiftlet/runtime/compile.h"
#include "swiftlet/text/tokenizer.h"

namespace swiftlet {

struct ModelOptions {
  std::optional<Arithmetic> precision;  // see CompileOptions
  std::optional<DType> cache;           // of a decoder's keys and values: kF32, kBF16, kI8; see Engine
  int threads = 0;                      // 0: available_cores()
  const kernels::KernelTable* table = nullptr;  // null: the default
  std::shared_ptr<ThreadPool> pool;  // shared with other models when set; `threads` is ignored then
};

struct LoadedModel {
  Checkpoint checkpoint;  // without its weights, which moved into the store
  models::BuiltModel built;
  std::shared_ptr<WeightStore> weights;
  std::optional<Tokenizer> tokenizer;  // absent when the checkpoint has none
  std::shared_ptr<ThreadPool> pool;
  ModelOptions options;

  // Throws as load_checkpoint, build_model and Tokenizer do.
  static std::shared_ptr<LoadedModel> load(const std::filesystem::path& path,
                                           const ModelOptions& options = {});
  static std::shared_ptr<LoadedModel> from_checkpoint(Checkpoint checkpoint,
                                                      const ModelOptions& options = {});

  // Throws kNotFound naming the model when it has none.
  const Tokenizer& require_tokenizer() const;
  // Ids of a text, all of them in the model's vocabulary (throws kInvalid where the tokenizer does not fit
  // the model).
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  // Ids of a text to continue; an empty one becomes the begin token. Throws kInvalid when there is none.
  std::vector<std::int32_t> encode_prompt(std::string_view prompt) const;
  void check_ids(std::span<const std::int32_t> ids) const;
  // Compiles the model's graph with this model's precision, table and threads.
  std::shared_ptr<const Program> compile_program(std::map<std::string, std::int64_t> maxima,
                                                 bool paged_cache = false, std::vector<std::string> keep = {},
                                                 bool fuse = true) const;
  // Tokens that a sequence of an encoder may have: what the model and the config of its sentences, else of
  // its tokenizer, allow.
  std::int64_t max_sequence_length() const;
};

}  // namespace swiftlet
