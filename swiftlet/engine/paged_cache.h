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
#include "swiftlet/runtime/program.h"

namespace swiftlet {

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

 private:
  friend class PagedSequence;
  std::int32_t take();  // REQUIRES: free_blocks() > 0
  void share(std::int32_t block) { ++references_[static_cast<std::size_t>(block)]; }
  void release(std::int32_t block);
  bool is_shared(std::int32_t block) const { return references_[static_cast<std::size_t>(block)] > 1; }
  void copy(std::int32_t from, std::int32_t to);

  struct LayerBuffers {
    Buffer keys, values;
    std::size_t key_block_bytes = 0, value_block_bytes = 0;
  };
  std::vector<LayerBuffers> buffers_;
  std::vector<CacheLayer> layers_;
  std::vector<std::int32_t> references_, free_;
  std::int64_t bytes_ = 0;
  DType dtype_;
};

}  // namespace swiftlet
