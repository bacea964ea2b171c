// Names of models on the hub, as a user types them:
//
//   org/name                     the model of a repository
//   org/name@revision            at a branch, a tag, a commit, or refs/pr/7
//   org/name/file.gguf           one file; with a revision org/name@revision/file.gguf
//   org/name:Q4_K_M              of a repository of GGUF files, the one in this encoding
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swiftlet::hub {

struct ModelName {
  std::string repository;         // "org/name"
  std::string revision = "main";  // as the hub takes it
  std::string file;               // a path in the repository; empty: the model as a whole
  std::string tag;                // an encoding of GGUF; empty: none was named

  std::string text() const;  // as it is typed, for messages
};

// Nothing where the text cannot be such a name: "./folder", "model.gguf", "a/b/c", "folder/".
std::optional<ModelName> parse_model_name(std::string_view text);

// A relative path that stays where it is put: no empty, "." or ".." parts, no backslash, no control
// character, at most 1024 bytes with 255 in a part. Names from the network become files only where this
// holds.
bool is_safe_path(std::string_view path);
// 40 lower-case hexadecimal digits.
bool is_commit(std::string_view text);

}  // namespace swiftlet::hub
