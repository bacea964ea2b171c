#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/native_format.h"

namespace swiftlet {
namespace {

SafetensorsDeclaration blob(std::string name, std::uint64_t bytes) {
  return {std::move(name), DType::kU8, {static_cast<std::int64_t>(round_up_blob(bytes))}};
}

// The tokenizer comes first, then the blobs of every weight side by side.
std::vector<SafetensorsDeclaration> declare_blobs(const Checkpoint& parts,
                                                  std::span<const NativeWeight> weights,
                                                  const std::string& where) {
  std::vector<SafetensorsDeclaration> blobs;
  if (parts.tokenizer.kind != TokenizerKind::kNone)
    blobs.push_back(blob(std::string(kTokenizerBlob), parts.tokenizer.bytes.size()));
  if (parts.tokenizer.tables.size() > 0)
    blobs.push_back(blob(std::string(kTablesBlob), parts.tokenizer.tables.size()));
  for (const auto& weight : weights) {
    const std::string place = fmt::format("{}: tensor '{}'", where, printable(weight.name));
    require(weight.name.find('#') == std::string::npos, place, "has a '#' in its name");
    const BlobSizes sizes = blob_sizes(weight, place);
    blobs.push_back(blob(weight.name, sizes.codes));
    if (sizes.scales > 0) blobs.push_back(blob(weight.name + std::string(kScalesSuffix), sizes.scales));
    if (sizes.zero_points > 0)
      blobs.push_back(blob(weight.name + std::string(kZeroPointsSuffix), sizes.zero_points));
  }
  return blobs;
}

SafetensorsMetadata first_metadata(const Checkpoint& parts, std::span<const NativeWeight> weights,
                                   std::span<const SafetensorsDeclaration> blobs) {
  SafetensorsMetadata metadata = metadata_of(parts, weights);
  metadata["sha256"] = hashes_text(blobs, {});  // the same length as the real ones
  return metadata;
}

}  // namespace

NativeWeight describe(const Weight& weight) {
  return {weight.name, weight.shape, weight.encoding, weight.layout, weight.arithmetic};
}

NativeWriter::NativeWriter(std::filesystem::path path, const Checkpoint& parts,
                           std::vector<NativeWeight> weights, std::size_t room)
    : where_(path.string()),
      weights_(std::move(weights)),
      blobs_(declare_blobs(parts, weights_, where_)),
      metadata_(first_metadata(parts, weights_, blobs_)),
      writer_(std::move(path), blobs_, metadata_, kNativeAlignment, room) {
  if (parts.tokenizer.kind != TokenizerKind::kNone) write_blob(parts.tokenizer.bytes.bytes());
  if (parts.tokenizer.tables.size() > 0) write_blob(parts.tokenizer.tables.bytes());
}

void NativeWriter::write(const Weight& weight) {
  SWIFTLET_ASSERT(next_weight_ < weights_.size());
  const NativeWeight& described = weights_[next_weight_++];
  SWIFTLET_ASSERT(weight.name == described.name && weight.shape == described.shape &&
                  weight.encoding == described.encoding && weight.layout == described.layout &&
                  weight.arithmetic == described.arithmetic);
  const BlobSizes sizes = blob_sizes(described, where_);
  SWIFTLET_ASSERT(weight.codes.size() == sizes.codes && weight.scales.size() == sizes.scales &&
                  weight.zero_points.size() == sizes.zero_points);
  write_blob(weight.codes.bytes());
  if (sizes.scales > 0) write_blob(weight.scales.bytes());
  if (sizes.zero_points > 0) write_blob(weight.zero_points.bytes());
  check_mapped(weight);
}

void NativeWriter::write_blob(std::span<const std::byte> bytes) {
  static constexpr std::array<std::byte, kNativeAlignment> kZeros{};
  const auto padding = std::span(kZeros).first(round_up_blob(bytes.size()) - bytes.size());
  Sha256 hash;
  hash.update(bytes);
  hash.update(padding);
  const auto& declared = blobs_[hashes_.size()];
  writer_.begin(declared.name);
  writer_.append(bytes);
  writer_.append(padding);
  hashes_.push_back(hash.finish());
}

void NativeWriter::write_header() {
  std::string& own = metadata_[std::string(kHeaderHashKey)];
  own.assign(kSha256Digits, '0');
  own = header_hash(std::string_view(writer_.header_with(metadata_)).substr(8));
  writer_.rewrite_header(writer_.header_with(metadata_));
}

void NativeWriter::seal() {
  SWIFTLET_ASSERT(next_weight_ == weights_.size() && !sealed_);
  metadata_["sha256"] = hashes_text(blobs_, hashes_);
  write_header();
  sealed_ = true;
}

void NativeWriter::commit() {
  if (!sealed_) seal();
  writer_.commit();
}

void NativeWriter::commit(std::string certificate) {
  if (!sealed_) seal();
  metadata_["certificate"] = std::move(certificate);
  write_header();
  writer_.commit();
}

std::size_t certificate_room(std::string_view certificate) {
  return nlohmann::json{{"certificate", certificate}}.dump().size();
}

void write_native(const std::filesystem::path& path, const Checkpoint& checkpoint, const Job& job) {
  std::vector<NativeWeight> weights;
  for (const auto& [name, weight] : checkpoint.weights) weights.push_back(describe(weight));
  const auto count = static_cast<std::int64_t>(weights.size());
  NativeWriter writer(path, checkpoint, std::move(weights));
  std::int64_t done = 0;
  for (const auto& [name, weight] : checkpoint.weights) {
    job.step("convert", done++, count);
    writer.write(checkpoint.with_bytes(name));
    release_mapped(weight);
  }
  job.step("convert", done, count);
  writer.commit();
}

}  // namespace swiftlet
