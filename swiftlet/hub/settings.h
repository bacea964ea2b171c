// Where the hub is, where its files are kept, and who asks: the variables of huggingface_hub.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace swiftlet::hub {

struct Settings {
  std::string endpoint = "https://huggingface.co";  // without a slash at its end
  std::filesystem::path cache;
  std::string token;                            // empty: none. Sent to the endpoint alone, never shown
  bool offline = false;                         // no connection at all
  int parallel = 4;                             // files at once
  int attempts = 5;                             // in a row without a new byte, before a fault is an error
  std::chrono::milliseconds retry_delay{1000};  // doubled with each attempt, at most half a minute
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{30};  // without a byte

  // Throw kUsage for what is no http or https address, or no token.
  void set_endpoint(std::string address, std::string_view where);
  void set_token(std::string given);
  // HF_ENDPOINT; HF_HUB_CACHE (or HUGGINGFACE_HUB_CACHE), HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub or
  // ~/.cache/huggingface/hub; HF_TOKEN, HF_TOKEN_PATH or HF_HOME/token, unless HF_HUB_DISABLE_IMPLICIT_TOKEN;
  // HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE; HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT in seconds.
  static Settings from_environment();
};

}  // namespace swiftlet::hub
