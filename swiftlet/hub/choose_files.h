// Which files of a repository a model needs: its configuration, tokenizer, templates and weights; weights as
// safetensors or else .bin, never both, and nothing of other frameworks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/hub/model_name.h"

namespace swiftlet::hub {

struct Choice {
  std::vector<std::string> files;  // paths in the repository, small ones first
  std::string model;               // what is to be loaded, in the repository; empty: the whole
  // False when more files follow from the contents of these, which `read` did not know yet.
  bool whole = true;
  bool tokenizer = false;  // whether one is among them, or inside the model
};

// The text of a file that is there already; nothing when it is not.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

// `listed`: the paths of the repository. Throws kNotFound where they hold no such file or no model that can
// be loaded, kUsage where the user must choose among several, kInvalid for an index that is malformed.
Choice choose_files(const ModelName& name, const std::vector<std::string>& listed, const ReadFile& read);

}  // namespace swiftlet::hub
