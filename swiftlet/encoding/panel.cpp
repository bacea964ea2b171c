#include "swiftlet/encoding/panel.h"

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/block_formats.h"
#include "swiftlet/encoding/int4.h"
#include "swiftlet/encoding/int8.h"

namespace swiftlet {
namespace {

// Columns that may share a scale: 255 * 127 * 65536 still fits the int32 sums of the integer kernels.
constexpr std::int64_t kMaxGroup = 65536;
// Far beyond any model, and small enough that no product below overflows 63 bits.
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 40;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 56;

std::int64_t step_of(Format format) {
  switch (format) {
    case Format::kF32:
      return 1;
    case Format::kF16:
    case Format::kBF16:
      return 2;
    case Format::kInt8:
      return Int8Codes::kStep;
    case Format::kInt4:
      return Int4Codes::kStep;
    case Format::kQ4K:
    case Format::kQ5K:
    case Format::kQ6K:
    case Format::kQ50:
    case Format::kQ4R:
      return block_size(format).columns;
  }
  return 1;
}

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return divide_up(a, b) * b;
}

void check_extents(const Encoding& encoding, std::int64_t n, std::int64_t k) {
  require(n > 0 && k > 0, "encoding", "expected a matrix with rows and columns, got [{}, {}]", n, k);
  require(n <= kMaxExtent && k <= kMaxExtent && n <= kMaxElements / k, "encoding", "[{}, {}] is too large", n,
          k);
  require(encoding.group >= 0, "encoding", "expected a group size of 0 or more, got {}", encoding.group);
  // Not require(), which would build the name each time: rows of embeddings pass here.
  if ((!encoding.is_integer() || encoding.has_blocks()) && (encoding.group != 0 || encoding.asymmetric))
    fail(ErrorCode::kInvalid, "encoding", "groups and zero points belong to int8 and int4, got {}",
         to_string(encoding));
}

PanelGeometry block_geometry(const Encoding& encoding, std::int64_t n, std::int64_t k) {
  const BlockSize block = block_size(encoding.format);
  if (k % block.columns != 0)
    fail(ErrorCode::kInvalid, "encoding", "{} needs a multiple of {} columns, got [{}, {}]",
         to_string(encoding), block.columns, n, k);
  PanelGeometry g;
  g.n = n;
  g.k = g.padded_k = k;
  g.panels = divide_up(n, kPanelRows);
  g.group = g.padded_group = block.group;
  g.groups = k / block.group;
  g.panel_code_bytes = round_up(block.header + k / block.columns * block.bytes, block.header > 0 ? 64 : 1);
  if (encoding.format == Format::kQ4R && k > kMaxGroup)
    fail(ErrorCode::kUnsupported, "encoding", "a row of q4_r has at most {} columns, got {}", kMaxGroup, k);
  return g;
}

}  // namespace

PanelGeometry panel_geometry(const Encoding& encoding, std::int64_t n, std::int64_t k) {
  check_extents(encoding, n, k);
  if (encoding.has_blocks()) return block_geometry(encoding, n, k);
  const std::int64_t step = step_of(encoding.format);
  PanelGeometry g;
  g.n = n;
  g.k = k;
  g.panels = divide_up(n, kPanelRows);
  g.group = encoding.group > 0 && encoding.group < k ? encoding.group : k;
  g.groups = divide_up(k, g.group);
  g.padded_group = round_up(g.group, step);
  g.padded_k = (g.groups - 1) * g.padded_group + round_up(k - (g.groups - 1) * g.group, step);
  g.panel_code_bytes = g.padded_k * kPanelRows * encoding.bits() / 8;
  g.scale_bytes = !encoding.is_integer() ? 0 : encoding.group > 0 ? 2 : 4;
  if (encoding.is_integer() && g.group > kMaxGroup)
    fail(ErrorCode::kUnsupported, "encoding", "{} columns share a scale, at most {} may: give a group size",
         g.group, kMaxGroup);
  return g;
}

}  // namespace swiftlet
