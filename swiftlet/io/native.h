// The native file, name.swiftlet: a model ready to run, mapped in milliseconds. docs/file-format.md draws it.
//
// It is a safetensors container: packed weights as U8 blobs at multiples of 64 bytes, the tokenizer as one
// more blob, and everything else (config, plan, certificate, a SHA-256 of every blob and of the header
// itself) in __metadata__.
//
// Reading shares the mapping of the file; the file must not be changed while a checkpoint of it lives (that
// it is cut short is noticed, see mapped_file.h). A writer belongs to one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/io/checkpoint.h"
#include "swiftlet/io/safetensors.h"
#include "swiftlet/io/sha256.h"
#include "swiftlet/job.h"

namespace swiftlet {

constexpr int kNativeVersion = 1;
// The first release of Swiftlet that reads files of kNativeVersion: an older one names it when it refuses.
constexpr std::string_view kNativeFirstReader = "0.1.0";
constexpr std::size_t kNativeAlignment = 64;

// A weight without its bytes: what a writer must know of all weights before the first is written.
struct NativeWeight {
  std::string name;
  Shape shape;
  Encoding encoding;
  Layout layout = Layout::kRows;
  Arithmetic arithmetic = Arithmetic::kF32;
};

NativeWeight describe(const Weight& weight);

// Checks header, versions, sizes and the hash of the header, but reads no weight. Throws kInvalid naming file
// and tensor; kUnsupported for a newer version, naming the release that reads it.
Checkpoint load_native(const std::filesystem::path& path);
Checkpoint parse_native(SafetensorsFile file);

// Whether a safetensors file is a native one, of whatever version.
bool is_native(const SafetensorsFile& file);

struct NativeVerification {
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;
};
// Everything that load_native checks, and the hash of every blob. Throws kInvalid naming the first tensor
// that differs. `job` sees "verify", blobs done of all.
NativeVerification verify_native(const std::filesystem::path& path, const Job& job = {});
NativeVerification verify_native(const SafetensorsFile& file, const Job& job = {});

// Writes a native file one weight at a time: only that one need be in memory. It appears with commit(), whole
// or not at all. The data are written once; what becomes known after them goes into the header.
class NativeWriter {
 public:
  // The header takes config, tokenizer, generation, sentence_transformer, chat_template, plan and certificate
  // from `parts`; weights and integer tensors of `parts` are not looked at. `room`: bytes that the header
  // keeps free for a certificate given to commit(), see certificate_room().
  NativeWriter(std::filesystem::path path, const Checkpoint& parts, std::vector<NativeWeight> weights,
               std::size_t room = 0);

  // In the order of the constructor's list, each as it was described. Throws kIo when a mapped file that the
  // weight comes from was cut short.
  void write(const Weight& weight);
  // After the last weight: puts the hashes into the header, so that the file aside() can be loaded.
  void seal();
  const std::filesystem::path& aside() const { return writer_.aside(); }
  // Seals, where that is not done yet.
  void commit();
  // Throws kInvalid when the certificate needs more than the room.
  void commit(std::string certificate);

 private:
  void write_blob(std::span<const std::byte> bytes);
  void write_header();

  std::string where_;
  std::vector<NativeWeight> weights_;
  std::vector<SafetensorsDeclaration> blobs_;
  SafetensorsMetadata metadata_;
  std::vector<std::string> hashes_;  // of the blobs written so far
  std::size_t next_weight_ = 0;
  bool sealed_ = false;
  SafetensorsWriter writer_;
};

// Bytes of the header that this certificate (JSON) takes.
std::size_t certificate_room(std::string_view certificate);

// The whole of a checkpoint, weight by weight. `job` sees "convert", weights done of all.
void write_native(const std::filesystem::path& path, const Checkpoint& checkpoint, const Job& job = {});

}  // namespace swiftlet
