// Addresses: who is asked, and paths made fit for them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swiftlet::hub {

// A token belongs to one of these.
struct Origin {
  std::string scheme, host, port;  // "https", "huggingface.co", "443"
  bool operator==(const Origin&) const = default;
};

// Nothing unless it is an http or https address.
std::optional<Origin> origin_of(const std::string& url);
// Without what may be secret: user, password, query. For messages.
std::string printable_url(const std::string& url);
// A path with everything escaped but letters, digits, "-._~/" ; `slashes` too where they are data.
std::string escaped(std::string_view path, bool slashes = false);

}  // namespace swiftlet::hub
