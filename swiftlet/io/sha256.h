// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto: the hashes of native files and certificates.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace swiftlet {

class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
  // 64 lower-case hexadecimal digits; the object is spent afterwards.
  std::string finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

constexpr std::size_t kSha256Digits = 64;

std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

}  // namespace swiftlet
