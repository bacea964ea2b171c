#include "swiftlet/io/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "swiftlet/core/error.h"

namespace swiftlet {

Hash::Hash(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  const bool ready = context_ != nullptr && EVP_DigestInit_ex(context_.get(), algorithm, nullptr) == 1;
  if (!ready)
    fail(ErrorCode::kUnsupported, "hash", "libcrypto does not offer {}", EVP_MD_get0_name(algorithm));
}

void Hash::update(std::span<const std::byte> bytes) {
  SWIFTLET_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Hash::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  SWIFTLET_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

Sha256::Sha256() : Hash(EVP_sha256()) {}
Sha1::Sha1() : Hash(EVP_sha1()) {}

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace swiftlet
