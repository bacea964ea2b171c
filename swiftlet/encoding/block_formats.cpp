// Rows of blocks from GGUF's order into that of panels and back, four columns (a word of 32 bits) at a time.
#include "swiftlet/encoding/block_formats.h"

#include <cmath>

namespace swiftlet {
namespace {

constexpr std::uint32_t kNibbles = 0x0f0f0f0f, kPairs = 0x03030303, kBits = 0x01010101;

template <class To>
std::uint32_t load_word(const To* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
template <class To>
void store_word(To* at, std::uint32_t word) {
  std::memcpy(at, &word, sizeof word);
}
template <class From, class To>
void copy_half(const From* from, To* to) {
  std::memcpy(to, from, 2);
}

// Word `step` of a row: eight columns, the second four in the high nibbles.
std::int64_t word_at(std::int64_t step, std::int64_t lane) {
  return (step * kPanelRows + lane) * 4;
}

// Where GGUF has nibbles of four columns: in bits `shift`... of the word at `byte`.
struct Place {
  std::int64_t byte;
  int shift;
};
// Of word i of the 64 of a block of Q4_K or Q5_K: groups 2j and 2j + 1 share 32 bytes.
Place nibbles_of_k(std::int64_t i) {
  return {i / 16 * 32 + i % 8 * 4, i / 8 % 2 == 0 ? 0 : 4};
}
// Of Q6_K, whose 32 columns 4j + l and 4j + 2 + l (l = 0, 1) share bytes.
Place nibbles_of_q6(std::int64_t i) {
  return {i / 32 * 64 + i / 8 % 2 * 32 + i % 8 * 4, i / 16 % 2 == 0 ? 0 : 4};
}
Place pairs_of_q6(std::int64_t i) {
  return {i / 32 * 32 + i % 8 * 4, static_cast<int>(i / 8 % 4 * 2)};
}
// Of the 8 words of Q5_0: elements 0..15 are the low nibbles.
Place nibbles_of_0(std::int64_t i) {
  return {i % 4 * 4, i < 4 ? 0 : 4};
}

// Words of a GGUF row: `count` of them from word `first` on, into steps of a panel, and back.
template <class PlaceOf>
void put_nibbles(const std::byte* in, PlaceOf place, std::int64_t first, std::int64_t count,
                 std::uint8_t* out, std::int64_t lane) {
  const auto word = [&](std::int64_t i) {
    const Place at = place(i);
    return load_word(in + at.byte) >> at.shift & kNibbles;
  };
  for (std::int64_t i = 0; i < count; i += 2)
    store_word(out + word_at(i / 2, lane), word(first + i) | word(first + i + 1) << 4);
}
template <class PlaceOf>
void take_nibbles(const std::uint8_t* in, std::int64_t lane, std::int64_t first, std::int64_t count,
                  PlaceOf place, std::byte* out) {
  const auto put = [&](std::int64_t i, std::uint32_t nibbles) {
    const Place at = place(i);
    store_word(out + at.byte, load_word(out + at.byte) | nibbles << at.shift);
  };
  for (std::int64_t i = 0; i < count; i += 2) {
    const std::uint32_t both = load_word(in + word_at(i / 2, lane));
    put(first + i, both & kNibbles);
    put(first + i + 1, both >> 4 & kNibbles);
  }
}

// d, dmin and the twelve bytes of scales, which are w0, w1 and w2.
void put_head(const std::byte* in, std::uint8_t* block, std::int64_t lane) {
  copy_half(in, block + lane * 2);
  copy_half(in + 2, block + SixBitScales::kOffsets + lane * 2);
  for (int i = 0; i < 3; ++i) store_word(block + SixBitScales::at(i, lane, 0), load_word(in + 4 + 4 * i));
}
void take_head(const std::uint8_t* block, std::int64_t lane, std::byte* out) {
  copy_half(block + lane * 2, out);
  copy_half(block + SixBitScales::kOffsets + lane * 2, out + 2);
  for (int i = 0; i < 3; ++i) store_word(out + 4 + 4 * i, load_word(block + SixBitScales::at(i, lane, 0)));
}

void put(Q4KBlocks kind, const std::byte* in, std::uint8_t* block, std::int64_t lane) {
  put_head(in, block, lane);
  put_nibbles(in + 16, nibbles_of_k, 0, 64, block + kind.kCodes, lane);
}
void take(Q4KBlocks kind, const std::uint8_t* block, std::int64_t lane, std::byte* out) {
  take_head(block, lane, out);
  take_nibbles(block + kind.kCodes, lane, 0, 64, nibbles_of_k, out + 16);
}

// The fifth bits of group g are bits g of 32 bytes.
void put(Q5KBlocks kind, const std::byte* in, std::uint8_t* block, std::int64_t lane) {
  put_head(in, block, lane);
  for (int g = 0; g < 8; ++g) {
    std::uint8_t* group = block + kind.kCodes + g * kind.kGroupBytes;
    std::uint32_t fifth = 0;
    for (int i = 0; i < 8; ++i) fifth |= (load_word(in + 16 + 4 * i) >> g & kBits) << i;
    store_word(group + lane * 4, fifth);
    put_nibbles(in + 48, nibbles_of_k, g * 8, 8, group + FiveBitGroup::kNibbles, lane);
  }
}
void take(Q5KBlocks kind, const std::uint8_t* block, std::int64_t lane, std::byte* out) {
  take_head(block, lane, out);
  for (int g = 0; g < 8; ++g) {
    const std::uint8_t* group = block + kind.kCodes + g * kind.kGroupBytes;
    const std::uint32_t fifth = load_word(group + lane * 4);
    for (int i = 0; i < 8; ++i)
      store_word(out + 16 + 4 * i, load_word(out + 16 + 4 * i) | (fifth >> i & kBits) << g);
    take_nibbles(group + FiveBitGroup::kNibbles, lane, g * 8, 8, nibbles_of_k, out + 48);
  }
}

void put(Q6KBlocks kind, const std::byte* in, std::uint8_t* block, std::int64_t lane) {
  copy_half(in + 208, block + lane * 2);
  for (int g = 0; g < 16; ++g) {
    block[kind.kScales + g * kPanelRows + lane] = std::to_integer<std::uint8_t>(in[192 + g]);
    std::uint8_t* group = block + kind.kCodes + g * kind.kGroupBytes;
    std::uint32_t pairs = 0;
    for (int i = 0; i < 4; ++i) {
      const Place at = pairs_of_q6(g * 4 + i);
      pairs |= (load_word(in + 128 + at.byte) >> at.shift & kPairs) << 2 * i;
    }
    store_word(group + lane * 4, pairs);
    put_nibbles(in, nibbles_of_q6, g * 4, 4, group + kind.kNibbles, lane);
  }
}
void take(Q6KBlocks kind, const std::uint8_t* block, std::int64_t lane, std::byte* out) {
  copy_half(block + lane * 2, out + 208);
  for (int g = 0; g < 16; ++g) {
    out[192 + g] = static_cast<std::byte>(block[kind.kScales + g * kPanelRows + lane]);
    const std::uint8_t* group = block + kind.kCodes + g * kind.kGroupBytes;
    const std::uint32_t pairs = load_word(group + lane * 4);
    for (int i = 0; i < 4; ++i) {
      const Place at = pairs_of_q6(g * 4 + i);
      std::byte* to = out + 128 + at.byte;
      store_word(to, load_word(to) | (pairs >> 2 * i & kPairs) << at.shift);
    }
    take_nibbles(group + kind.kNibbles, lane, g * 4, 4, nibbles_of_q6, out);
  }
}

// The fifth bits are those of a number of 32.
void put(Q50Blocks kind, const std::byte* in, std::uint8_t* block, std::int64_t lane) {
  copy_half(in, block + lane * 2);
  const std::uint32_t bits = load_word(in + 2);
  std::uint32_t fifth = 0;
  for (int c = 0; c < 32; ++c) fifth |= (bits >> c & 1) << (c % 4 * 8 + c / 4);
  store_word(block + kind.kCodes + lane * 4, fifth);
  put_nibbles(in + 6, nibbles_of_0, 0, 8, block + kind.kCodes + FiveBitGroup::kNibbles, lane);
}
void take(Q50Blocks kind, const std::uint8_t* block, std::int64_t lane, std::byte* out) {
  copy_half(block + lane * 2, out);
  const std::uint32_t fifth = load_word(block + kind.kCodes + lane * 4);
  std::uint32_t bits = 0;
  for (int c = 0; c < 32; ++c) bits |= (fifth >> (c % 4 * 8 + c / 4) & 1) << c;
  store_word(out + 2, bits);
  take_nibbles(block + kind.kCodes + FiveBitGroup::kNibbles, lane, 0, 8, nibbles_of_0, out + 6);
}

template <class Kind>
void decode(float d, const std::uint8_t* block, std::int64_t lane, float* out) {
  const float dmin = Kind::kHasOffsets ? block_dmin(block, lane) : 0;
  for (std::int64_t group = 0; group < Kind::kColumns / Kind::kGroup; ++group) {
    const BlockScale scale = Kind::scale(block, lane, group);
    const float step = d * static_cast<float>(scale.scale), least = dmin * static_cast<float>(scale.offset);
    for (std::int64_t c = group * Kind::kGroup; c < (group + 1) * Kind::kGroup; ++c)
      out[c] = step * static_cast<float>(Kind::code(block, lane, c) - Kind::kZeroPoint) - least;
  }
}

}  // namespace

bool block_is_finite(Format format, const std::uint8_t* block, std::int64_t lane) {
  return with_gguf_format(format, [&](auto kind) {
    return std::isfinite(block_d(block, lane)) &&
           (!decltype(kind)::kHasOffsets || std::isfinite(block_dmin(block, lane)));
  });
}

void decode_block_row(Format format, const std::uint8_t* panel, std::int64_t lane, std::int64_t k,
                      float* out) {
  with_block_format(format, [&](auto kind) {
    using Kind = decltype(kind);
    const std::uint8_t* block = panel + Kind::kHeader;
    for (std::int64_t c = 0; c < k; c += Kind::kColumns, block += Kind::kBytes)
      decode<Kind>(block_scale(kind, panel, block, lane), block, lane, out + c);
  });
}

void put_block(Format format, const std::byte* in, std::uint8_t* block, std::int64_t lane) {
  with_gguf_format(format, [&](auto kind) { put(kind, in, block, lane); });
}

void take_block(Format format, const std::uint8_t* block, std::int64_t lane, std::byte* out) {
  with_gguf_format(format, [&](auto kind) {
    using Kind = decltype(kind);
    std::memset(out, 0, static_cast<std::size_t>(Kind::kBytes / kPanelRows));
    take(kind, block, lane, out);
  });
}

}  // namespace swiftlet
