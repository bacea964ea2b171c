#include "swiftlet/engine/paged_cache.h"

#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/core/memory.h"

namespace swiftlet {

using kernels::kKeyBlock;

class PagedSequence final : public SequenceState {
 public:
  explicit PagedSequence(PagedCache& cache) : cache_(cache) {
    blocks_.reserve(static_cast<std::size_t>(cache.total_blocks()));  // to grow allocates nothing
  }
  ~PagedSequence() override {
    for (std::int32_t block : blocks_) cache_.release(block);
  }

  std::int64_t length() const override { return length_; }
  std::span<const std::int32_t> blocks() const override { return blocks_; }

  bool extend(std::int64_t tokens) override {
    const std::int64_t needed =
        cache_blocks_for(length_ + tokens) - static_cast<std::int64_t>(blocks_.size());
    const bool copies = tokens > 0 && length_ % kKeyBlock != 0 && cache_.is_shared(blocks_[last_block()]);
    if (needed + (copies ? 1 : 0) > cache_.free_blocks()) return false;
    if (copies) own_last_block();
    for (std::int64_t i = 0; i < needed; ++i) blocks_.push_back(cache_.take());
    length_ += tokens;
    return true;
  }

  void truncate(std::int64_t length) override {
    SWIFTLET_ASSERT(length >= 0 && length <= length_);
    length_ = length;
    const auto kept = static_cast<std::size_t>(cache_blocks_for(length));
    while (blocks_.size() > kept) {
      cache_.release(blocks_.back());
      blocks_.pop_back();
    }
  }

  std::unique_ptr<SequenceState> fork() override {
    auto copy = std::make_unique<PagedSequence>(cache_);
    copy->blocks_.assign(blocks_.begin(), blocks_.end());  // keeps what it has reserved
    copy->length_ = length_;
    for (std::int32_t block : blocks_) cache_.share(block);
    return copy;
  }

 private:
  std::size_t last_block() const { return static_cast<std::size_t>(length_ / kKeyBlock); }

  void own_last_block() {
    std::int32_t& block = blocks_[last_block()];
    const std::int32_t fresh = cache_.take();
    cache_.copy(block, fresh);
    cache_.release(block);
    block = fresh;
  }

  PagedCache& cache_;
  std::vector<std::int32_t> blocks_;
  std::int64_t length_ = 0;
};

PagedCache::PagedCache(std::span<const Program::State> layers, DType dtype, std::int64_t blocks)
    : dtype_(dtype) {
  const auto block_bytes = [dtype](const Program::State& layer, std::int64_t size) {
    return layer.kv_heads * kernels::cache_head_bytes(dtype, size);
  };
  for (const Program::State& layer : layers)
    bytes_ += blocks * (block_bytes(layer, layer.head_dim) + block_bytes(layer, layer.value_dim));
  check_fits("KV cache", static_cast<std::uint64_t>(bytes_));
  for (const Program::State& layer : layers) {
    LayerBuffers buffers;
    buffers.block_bytes.keys = static_cast<std::size_t>(block_bytes(layer, layer.head_dim));
    buffers.block_bytes.values = static_cast<std::size_t>(block_bytes(layer, layer.value_dim));
    buffers.keys = Buffer::heap(buffers.block_bytes.keys * static_cast<std::size_t>(blocks));
    buffers.values = Buffer::heap(buffers.block_bytes.values * static_cast<std::size_t>(blocks));
    layers_.push_back({buffers.keys.mutable_data(), buffers.values.mutable_data(), dtype});
    buffers_.push_back(std::move(buffers));
  }
  references_.resize(static_cast<std::size_t>(blocks), 0);
  for (std::int64_t block = blocks; block-- > 0;) free_.push_back(static_cast<std::int32_t>(block));
}

std::unique_ptr<SequenceState> PagedCache::new_sequence() {
  return std::make_unique<PagedSequence>(*this);
}

std::int32_t PagedCache::take() {
  SWIFTLET_ASSERT(!free_.empty());
  const std::int32_t block = free_.back();
  free_.pop_back();
  references_[static_cast<std::size_t>(block)] = 1;
  // Blocks are written to files whole: nothing of another sequence may be left behind the last token.
  for (LayerBuffers& layer : buffers_) {
    const auto clear = [&](Buffer& buffer, std::size_t bytes) {
      std::memset(buffer.mutable_data() + static_cast<std::size_t>(block) * bytes, 0, bytes);
    };
    clear(layer.keys, layer.block_bytes.keys);
    clear(layer.values, layer.block_bytes.values);
  }
  return block;
}

void PagedCache::release(std::int32_t block) {
  if (--references_[static_cast<std::size_t>(block)] == 0) free_.push_back(block);
}

void PagedCache::copy(std::int32_t from, std::int32_t to) {
  for (LayerBuffers& layer : buffers_) {
    const auto move = [&](Buffer& buffer, std::size_t bytes) {
      std::byte* data = buffer.mutable_data();
      std::memcpy(data + static_cast<std::size_t>(to) * bytes, data + static_cast<std::size_t>(from) * bytes,
                  bytes);
    };
    move(layer.keys, layer.block_bytes.keys);
    move(layer.values, layer.block_bytes.values);
  }
}

std::vector<PagedCache::BlockBytes> PagedCache::block_bytes() const {
  std::vector<BlockBytes> bytes;
  for (const LayerBuffers& layer : buffers_) bytes.push_back(layer.block_bytes);
  return bytes;
}

std::span<const std::byte> PagedCache::keys(std::size_t layer, std::int32_t block) const {
  const LayerBuffers& buffers = buffers_[layer];
  const std::size_t bytes = buffers.block_bytes.keys;
  return buffers.keys.bytes().subspan(static_cast<std::size_t>(block) * bytes, bytes);
}

std::span<const std::byte> PagedCache::values(std::size_t layer, std::int32_t block) const {
  const LayerBuffers& buffers = buffers_[layer];
  const std::size_t bytes = buffers.block_bytes.values;
  return buffers.values.bytes().subspan(static_cast<std::size_t>(block) * bytes, bytes);
}

void PagedCache::fill(std::size_t layer, std::int32_t block, std::span<const std::byte> keys,
                      std::span<const std::byte> values) {
  LayerBuffers& buffers = buffers_[layer];
  SWIFTLET_ASSERT(keys.size() == buffers.block_bytes.keys && values.size() == buffers.block_bytes.values);
  const auto at = static_cast<std::size_t>(block);
  std::memcpy(buffers.keys.mutable_data() + at * keys.size(), keys.data(), keys.size());
  std::memcpy(buffers.values.mutable_data() + at * values.size(), values.data(), values.size());
}

}  // namespace swiftlet
