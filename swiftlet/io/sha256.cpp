#include "swiftlet/io/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "swiftlet/core/error.h"

namespace swiftlet {

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  const bool ready = context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  if (!ready) fail(ErrorCode::kUnsupported, "sha256", "libcrypto offers no SHA-256");
}

void Sha256::update(std::span<const std::byte> bytes) {
  SWIFTLET_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  std::array<unsigned char, kSha256Digits / 2> digest{};
  SWIFTLET_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace swiftlet
