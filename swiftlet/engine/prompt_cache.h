// The state of a prompt in a file, so that another run need not compute it: its tokens, and the keys and
// values of every layer in the blocks and the type in which the cache keeps them.
//
// The file is a safetensors container: tensors "tokens" (I32 [tokens]) and "layers.<i>.keys", ".values" (U8
// [blocks, bytes of a block], only what the tokens fill of the last one counts). Its metadata hold the
// format's version, who made it, and a SHA-256 of all that and of the tensors. What was computed otherwise
// (another model, precision, instruction set or type of the cache) is refused: answers are to be the same
// with the file and without.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "swiftlet/engine/model.h"
#include "swiftlet/engine/paged_cache.h"
#include "swiftlet/io/safetensors.h"

namespace swiftlet {

// What keys and values depend on, beside the tokens.
struct PromptCacheKind {
  std::string model;         // a hash of configuration and weights
  std::string precision;     // of the arithmetic; empty: as the weights are stored
  std::string instructions;  // the kernel table
  std::string cache;         // the type of keys and values
  std::vector<PagedCache::BlockBytes> layers;
  std::int64_t vocab_size = 0;
};

// The hash covers the configuration, the name, shape and encoding of every weight and some of its bytes.
PromptCacheKind prompt_cache_kind(const LoadedModel& model, const PagedCache& cache);

// A file that fits; its blocks are in the mapping.
struct PromptCacheFile {
  std::vector<std::int32_t> tokens;
  std::int64_t length = 0;           // tokens of the sequence that they were computed in, at least these
  std::vector<Buffer> keys, values;  // of each layer
};
// Checks everything, the checksum last. Throws kInvalid naming file and place, kUnsupported for a newer
// version.
PromptCacheFile parse_prompt_cache(const SafetensorsFile& file, const PromptCacheKind& kind);

// Writes the first `tokens` of a sequence of `length` whose cache blocks these are. The file appears whole or
// not at all.
void write_prompt_cache(const std::filesystem::path& path, const PromptCacheKind& kind,
                        const PagedCache& cache, std::span<const std::int32_t> tokens, std::int64_t length,
                        std::span<const std::int32_t> blocks);

}  // namespace swiftlet
