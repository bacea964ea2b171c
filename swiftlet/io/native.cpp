#include "swiftlet/io/native.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/native_format.h"

namespace swiftlet {
namespace {

void check_version(const SafetensorsFile& file) {
  const auto& metadata = file.metadata();
  require(is_native(file), file.where(),
          "is a safetensors file without the metadata of a Swiftlet model: \"format\" is not \"{}\"",
          kNativeFormat);
  const auto version = metadata.find("format_version");
  int number = 0;
  if (version != metadata.end()) {
    const std::string& text = version->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = 0;
  }
  require(number >= 1, file.where(), "has no valid format_version");
  if (number <= kNativeVersion) return;
  const auto reader = metadata.find("first_reader");
  fail(ErrorCode::kUnsupported, file.where(),
       "is of format version {}, this program reads versions up to {}: Swiftlet {} or newer reads it", number,
       kNativeVersion, reader == metadata.end() ? "of a later release" : printable(reader->second));
}

void check_header(const SafetensorsFile& file) {
  require(file.data_offset() % kNativeAlignment == 0, file.where(),
          "data begins at byte {}, expected a multiple of {}", file.data_offset(), kNativeAlignment);
  const auto stored = file.metadata().find(kHeaderHashKey);
  require(stored != file.metadata().end() && stored->second == header_hash(file.header()), file.where(),
          "header does not have the hash that it names: the file is damaged or was changed");
}

// Hands out the blobs of the file, each once.
class Blobs {
 public:
  explicit Blobs(const SafetensorsFile& file) : file_(file) {}

  Buffer take(const std::string& name, std::uint64_t bytes) {
    if (bytes == 0 && file_.find(name) == nullptr) return {};
    const SafetensorsEntry* blob = file_.find(name);
    require(blob != nullptr, file_.where(name), "is missing");
    require(blob->dtype == DType::kU8 && blob->shape.rank() == 1, file_.where(name),
            "expected a list of u8, got {} {}", dtype_name(blob->dtype), blob->shape.to_string());
    require(blob->bytes() == round_up_blob(bytes), file_.where(name), "is {} bytes, expected {}",
            blob->bytes(), round_up_blob(bytes));
    require(taken_.insert(name).second, file_.where(name), "belongs to two weights");
    return file_.bytes(*blob).slice(0, bytes);
  }

  void claim_tokenizer(const TokenizerSource& tokenizer) {
    if (tokenizer.kind != TokenizerKind::kNone) taken_.insert(std::string(kTokenizerBlob));
    if (tokenizer.tables.size() > 0) taken_.insert(std::string(kTablesBlob));
  }

  void check_all_taken() const {
    for (const auto& entry : file_.entries())
      require(taken_.contains(entry.name), file_.where(entry.name), "belongs to no weight");
  }

 private:
  const SafetensorsFile& file_;
  std::set<std::string> taken_;
};

Weight take_weight(NativeWeight described, const SafetensorsFile& file, Blobs& blobs) {
  const BlobSizes sizes = blob_sizes(described, file.where(described.name));
  Weight weight;
  weight.codes = blobs.take(described.name, sizes.codes);
  weight.scales = blobs.take(described.name + std::string(kScalesSuffix), sizes.scales);
  weight.zero_points = blobs.take(described.name + std::string(kZeroPointsSuffix), sizes.zero_points);
  weight.name = std::move(described.name);
  weight.shape = std::move(described.shape);
  weight.encoding = described.encoding;
  weight.layout = described.layout;
  weight.arithmetic = described.arithmetic;
  return weight;
}

// A blob of gigabytes is hashed in pieces, so that an interrupt need not wait for its end.
template <class Step>
std::string hash_of(const Buffer& blob, Step step) {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  Sha256 hash;
  for (std::size_t at = 0; at < blob.size(); at += kPiece) {
    step();
    const Buffer piece = blob.slice(at, std::min(kPiece, blob.size() - at));
    hash.update(piece.bytes());
    release_mapped(piece.bytes());
  }
  check_mapped(blob.bytes());
  return hash.finish();
}

Checkpoint checked_checkpoint(const SafetensorsFile& file) {
  check_version(file);
  check_header(file);
  Checkpoint checkpoint;
  checkpoint.source = file.where();
  checkpoint.format = "native";
  std::vector<NativeWeight> described;
  read_metadata(file, checkpoint, described);
  Blobs blobs(file);
  blobs.claim_tokenizer(checkpoint.tokenizer);
  for (auto& weight : described) {
    const std::string name = weight.name;
    require(name.find('#') == std::string::npos, file.where(name), "has a '#' in its name");
    require(!checkpoint.weights.contains(name), file.where(name), "is described twice");
    checkpoint.weights.emplace(name, take_weight(std::move(weight), file, blobs));
  }
  blobs.check_all_taken();
  return checkpoint;
}

}  // namespace

bool is_native(const SafetensorsFile& file) {
  const auto format = file.metadata().find("format");
  return format != file.metadata().end() && format->second == kNativeFormat;
}

Checkpoint parse_native(SafetensorsFile file) {
  try {
    return checked_checkpoint(file);
  } catch (const Error&) {
    file.check_file();  // the truer reason, where it is one
    throw;
  }
}

Checkpoint load_native(const std::filesystem::path& path) {
  return parse_native(SafetensorsFile::open(path));
}

NativeVerification verify_native(const std::filesystem::path& path, const Job& job) {
  return verify_native(SafetensorsFile::open(path), job);
}

NativeVerification verify_native(const SafetensorsFile& file, const Job& job) {
  parse_native(file);
  const auto text = file.metadata().find("sha256");
  require(text != file.metadata().end(), file.where(), "has no hashes");
  const Config hashes = Config::parse(text->second, file.where() + ": sha256");
  NativeVerification done;
  for (const auto& entry : file.entries()) {
    const auto step = [&] {
      job.step("verify", static_cast<std::int64_t>(done.tensors),
               static_cast<std::int64_t>(file.entries().size()));
    };
    const std::string expected = hashes.require_string(entry.name);
    const std::string found = hash_of(file.bytes(entry), step);
    require(found == expected, file.where(entry.name), "has the SHA-256 {}, expected {}: the file is damaged",
            found, printable(expected));
    ++done.tensors;
    done.bytes += entry.bytes();
  }
  job.step("verify", static_cast<std::int64_t>(done.tensors), static_cast<std::int64_t>(done.tensors));
  return done;
}

}  // namespace swiftlet
