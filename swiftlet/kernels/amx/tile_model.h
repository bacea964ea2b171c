// The tile instructions in plain code, after the Intel 64 and IA-32 Architectures Software Developer's
// Manual: so the kernels over them are tested on machines without AMX. Where the processor would raise an
// exception (no or a bad configuration, tiles that do not fit each other) the model traps.
#pragma once

#include "swiftlet/kernels/amx/tile.h"

namespace swiftlet::kernels {
namespace {
namespace amx {

class TileModel {
 public:
  void configure(const TileConfig& config) {
    check(config.palette == 1 && config.start_row == 0);
    for (int tile = 0; tile < 16; ++tile) {
      check(config.rows[tile] <= kTileRows && config.row_bytes[tile] <= 4 * kTileWords);
      check((config.rows[tile] == 0) == (config.row_bytes[tile] == 0));
      check(tile < 8 || config.rows[tile] == 0);
    }
    config_ = config;
    __builtin_memset(bytes_, 0, sizeof bytes_);
    configured_ = true;
  }
  void release() { configured_ = false; }

  template <int kTile>
  void zero() {
    check_tile(kTile);
    __builtin_memset(bytes_[kTile], 0, sizeof bytes_[kTile]);
  }
  template <int kTile>
  void load(const void* base, std::int64_t stride) {
    zero<kTile>();
    for (int r = 0; r < config_.rows[kTile]; ++r)
      __builtin_memcpy(bytes_[kTile][r], static_cast<const char*>(base) + r * stride,
                       config_.row_bytes[kTile]);
  }
  template <int kTile>
  void load_passing(const void* base, std::int64_t stride) {
    load<kTile>(base, stride);
  }
  template <int kTile>
  void store(void* base, std::int64_t stride) {
    check_tile(kTile);
    for (int r = 0; r < config_.rows[kTile]; ++r)
      __builtin_memcpy(static_cast<char*>(base) + r * stride, bytes_[kTile][r], config_.row_bytes[kTile]);
  }

  template <int kC, int kA, int kB>
  void dot_int8() {
    dot_bytes<kC, kA, kB, std::uint8_t>();
  }
  template <int kC, int kA, int kB>
  void dot_signed() {
    dot_bytes<kC, kA, kB, std::int8_t>();
  }

  // The even and the odd columns are added up on their own, by fused multiply-adds, then together, then to C;
  // all with denormals as zeros on both sides.
  template <int kC, int kA, int kB>
  void dot_bf16() {
    check_product(kC, kA, kB);
    for (int m = 0; m < config_.rows[kC]; ++m)
      for (int n = 0; n < config_.row_bytes[kC] / 4; ++n) {
        float even = 0, odd = 0;
        for (int k = 0; k < config_.row_bytes[kA] / 4; ++k) {
          const std::uint32_t a = word(kA, m, k), b = word(kB, k, n);
          even = flushed(__builtin_fmaf(as_float(a << 16), as_float(b << 16), even));
          odd = flushed(__builtin_fmaf(as_float(a & 0xffff0000u), as_float(b & 0xffff0000u), odd));
        }
        const float sum = flushed(as_float(word(kC, m, n)) + flushed(even + odd));
        __builtin_memcpy(bytes_[kC][m] + 4 * n, &sum, 4);
      }
  }

 private:
  template <int kC, int kA, int kB, class Weight>
  void dot_bytes() {
    check_product(kC, kA, kB);
    for (int m = 0; m < config_.rows[kC]; ++m)
      for (int k = 0; k < config_.row_bytes[kA] / 4; ++k)
        for (int n = 0; n < config_.row_bytes[kC] / 4; ++n) {
          std::uint32_t sum = word(kC, m, n);
          for (int j = 0; j < 4; ++j)
            sum += static_cast<std::uint32_t>(static_cast<std::int8_t>(bytes_[kA][m][4 * k + j]) *
                                              static_cast<Weight>(bytes_[kB][k][4 * n + j]));
          __builtin_memcpy(bytes_[kC][m] + 4 * n, &sum, 4);
        }
  }

  static void check(bool fits) {
    if (!fits) __builtin_trap();
  }
  void check_tile(int tile) const { check(configured_ && config_.rows[tile] != 0); }
  void check_product(int c, int a, int b) const {
    check_tile(a), check_tile(b), check_tile(c);
    check(c != a && c != b && a != b);
    check(config_.rows[c] == config_.rows[a] && config_.row_bytes[c] == config_.row_bytes[b] &&
          config_.row_bytes[a] == 4 * config_.rows[b]);
  }
  std::uint32_t word(int tile, int row, int column) const {
    std::uint32_t bits;
    __builtin_memcpy(&bits, bytes_[tile][row] + 4 * column, 4);
    return bits;
  }
  static float flushed(float value) {
    return __builtin_fabsf(value) < __FLT_MIN__ ? __builtin_copysignf(0.0f, value) : value;
  }
  static float as_float(std::uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return flushed(value);
  }

  TileConfig config_;
  bool configured_ = false;
  std::uint8_t bytes_[8][kTileRows][4 * kTileWords];
};

}  // namespace amx
}  // namespace
}  // namespace swiftlet::kernels
