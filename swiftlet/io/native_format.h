// What reader and writer of native files agree on. Only for swiftlet/io.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/native.h"

namespace swiftlet {

// Keys of __metadata__.
inline constexpr std::string_view kNativeFormat = "swiftlet";
inline constexpr std::string_view kHeaderHashKey = "header_sha256";

// Names of blobs. '#' stands in no name of a weight, so none can collide.
inline constexpr std::string_view kScalesSuffix = "#scales";
inline constexpr std::string_view kZeroPointsSuffix = "#zero_points";
inline constexpr std::string_view kTokenizerBlob = "#tokenizer";
inline constexpr std::string_view kTablesBlob = "#tokenizer_tables";

// Bytes of the blobs of a weight before they are rounded up. Throws kInvalid when shape, encoding and layout
// do not go together or the sizes overflow.
struct BlobSizes {
  std::uint64_t codes = 0, scales = 0, zero_points = 0;
};
BlobSizes blob_sizes(const NativeWeight& weight, std::string_view where);

std::uint64_t round_up_blob(std::uint64_t bytes);

std::string_view to_string(Layout layout);  // "rows", "panels"

// SHA-256 of a header (without the length field) whose own hash is replaced by zeros. Empty when the header
// has no place for one.
std::string header_hash(std::string_view header);

// __metadata__ without hashes, and back. Throws kInvalid naming the key.
SafetensorsMetadata metadata_of(const Checkpoint& parts, std::span<const NativeWeight> weights);
std::string hashes_text(std::span<const SafetensorsDeclaration> blobs, std::span<const std::string> hashes);
void read_metadata(const SafetensorsFile& file, Checkpoint& checkpoint, std::vector<NativeWeight>& weights);

}  // namespace swiftlet
