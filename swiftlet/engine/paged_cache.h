// PagedCache: keys and values of all layers in blocks of kKeyBlock tokens (Kwon et al., PagedAttention,
// 2023).
//
// A block has the same number in every layer. Blocks are counted; a forked sequence shares them, and whoever
// writes into a shared block gets a copy of it first. The cache must outlive its sequences. One thread at a
// time.
#pragma once

#include <memory>
#include <vector>

#include "swiftlet/engine/sequence_state.h"
#include "swiftlet/kernels/attention.h"
#include "swiftlet/runtime/program.h"

namespace swiftlet {

constexpr std::int64_t cache_blocks_for(std::int64_t tokens) {
  return (tokens + kernels::kKeyBlock - 1) / kernels::kKeyBlock;
}

class PagedCache {
 public:
  // dtype: kF32, kBF16 or kI8. Throws kMemory when the blocks do not fit into memory.
  PagedCache(std::span<const Program::State> layers, DType dtype, std::int64_t blocks);

  std::unique_ptr<SequenceState> new_sequence();
  std::span<const CacheLayer> layers() const { return layers_; }
  std::int64_t total_blocks() const { return static_cast<std::int64_t>(references_.size()); }
  std::int64_t free_blocks() const { return static_cast<std::int64_t>(free_.size()); }
  std::int64_t bytes() const { return bytes_; }
  DType dtype() const { return dtype_; }

  // The bytes of a block in a layer, for keeping a state elsewhere.
  struct BlockBytes {
    std::size_t keys = 0, values = 0;
  };
  std::vector<BlockBytes> block_bytes() const;  // of each layer
  std::span<const std::byte> keys(std::size_t layer, std::int32_t block) const;
  std::span<const std::byte> values(std::size_t layer, std::int32_t block) const;
  // REQUIRES: bytes of the layer's block.
  void fill(std::size_t layer, std::int32_t block, std::span<const std::byte> keys,
            std::span<const std::byte> values);

 private:
  friend class PagedSequence;
  std::int32_t take();  // REQUIRES: free_blocks() > 0
  void share(std::int32_t block) { ++references_[static_cast<std::size_t>(block)]; }
  void release(std::int32_t block);
  bool is_shared(std::int32_t block) const { return references_[static_cast<std::size_t>(block)] > 1; }
  void copy(std::int32_t from, std::int32_t to);

  struct LayerBuffers {
    Buffer keys, values;
    BlockBytes block_bytes;
  };
  std::vector<LayerBuffers> buffers_;
  std::vector<CacheLayer> layers_;
  std::vector<std::int32_t> references_, free_;
  std::int64_t bytes_ = 0;
  DType dtype_;
};

}  // namespace swiftlet
