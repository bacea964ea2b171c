// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto: the hashes of native files, certificates and downloads. SHA-1
// is there only because git names files by it: it finds damage, no forgery.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace swiftlet {

class Hash {
 public:
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
  // Lower-case hexadecimal digits; the object is spent afterwards.
  std::string finish();

 protected:
  explicit Hash(const evp_md_st* algorithm);

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

class Sha256 : public Hash {  // 64 digits
 public:
  Sha256();
};

class Sha1 : public Hash {  // 40 digits
 public:
  Sha1();
};

constexpr std::size_t kSha256Digits = 64;

std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

}  // namespace swiftlet
