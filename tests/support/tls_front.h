// TLS in front of a server for tests: whatever comes in is handed on to a port of this machine, and back. Its
// certificate is its own issuer, made at the start, so that nobody trusts it who was not told to.
#pragma once

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace swiftlet::testing {

class TlsFront {
 public:
  explicit TlsFront(std::uint16_t behind) : behind_(behind) {
    make_certificate();
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = here(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port to listen on");
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] {
      while (!stopping_) {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection >= 0) connections_.emplace_back([this, connection] { serve(connection); });
      }
    });
  }
  ~TlsFront() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& connection : connections_) connection.join();
    ::close(listener_);
  }
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  // The certificate as a bundle of those that are trusted.
  void write_certificate(const std::filesystem::path& path) const {
    const std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(path.c_str(), "w"), BIO_free);
    check(file && PEM_write_bio_X509(file.get(), certificate_.get()) == 1);
  }

 private:
  static void check(bool good) {
    if (!good) throw std::runtime_error("OpenSSL failed");
  }
  static sockaddr_in here(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void make_certificate() {
    constexpr long kValidSeconds = 3600;
    check(key_ && certificate_ && context_);
    X509* const x509 = certificate_.get();
    check(X509_set_version(x509, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -kValidSeconds);
    X509_gmtime_adj(X509_getm_notAfter(x509), kValidSeconds);
    X509_NAME* const name = X509_get_subject_name(x509);
    check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                     reinterpret_cast<const unsigned char*>("swiftlet test"), -1, -1,
                                     0) == 1);
    check(X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key_.get()) == 1);
    for (const auto& [kind, value] : {std::pair{NID_subject_alt_name, "IP:127.0.0.1"},
                                      std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
      X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
      check(extension != nullptr && X509_add_ext(x509, extension, -1) == 1);
      X509_EXTENSION_free(extension);
    }
    check(X509_sign(x509, key_.get(), EVP_sha256()) > 0);
    check(SSL_CTX_use_certificate(context_.get(), x509) == 1 &&
          SSL_CTX_use_PrivateKey(context_.get(), key_.get()) == 1);
  }

  void serve(int connection) {
    sigset_t pipe;  // OpenSSL writes to a client that is gone
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(tls.get(), connection);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = here(behind_);
    if (SSL_accept(tls.get()) == 1 &&
        ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      pass_on(tls.get(), connection, server);
    SSL_shutdown(tls.get());
    ::close(server);
    ::close(connection);
  }

  // Until either side ends.
  void pass_on(SSL* tls, int connection, int server) const {
    char bytes[16384];
    while (!stopping_) {
      pollfd wait[2] = {{connection, POLLIN, 0}, {server, POLLIN, 0}};
      if (SSL_pending(tls) == 0 && ::poll(wait, 2, 100) == 0) continue;
      if (SSL_pending(tls) > 0 || wait[0].revents != 0) {
        const int got = SSL_read(tls, bytes, sizeof bytes);
        if (got <= 0 || ::send(server, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return;
      }
      if (wait[1].revents != 0) {
        const ssize_t got = ::recv(server, bytes, sizeof bytes, 0);
        if (got <= 0 || SSL_write(tls, bytes, static_cast<int>(got)) <= 0) return;
      }
    }
  }

  std::uint16_t behind_, port_ = 0;
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_{EVP_EC_gen("P-256"), EVP_PKEY_free};
  std::unique_ptr<X509, void (*)(X509*)> certificate_{X509_new(), X509_free};
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::thread accepting_;
  std::vector<std::thread> connections_;  // of the accepting thread, until it has ended
};

}  // namespace swiftlet::testing
