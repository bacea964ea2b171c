#include "swiftlet/hub/choose_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "swiftlet/core/error.h"
#include "swiftlet/io/checkpoint_parts.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/tokenizer_source.h"

namespace swiftlet::hub {
namespace {

constexpr std::size_t kMostIndexBytes = std::size_t{32} << 20;

// Beside the tokenizer's.
constexpr std::array<std::string_view, 6> kSmallFiles{
    "config.json",        "generation_config.json", "chat_template.jinja",
    "chat_template.json", "modules.json",           "config_sentence_transformers.json"};
// The encodings that are taken where nobody names one, as llama.cpp does.
constexpr std::array<std::string_view, 2> kUsualTags{"Q4_K_M", "Q8_0"};

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_small_file(std::string_view name) {
  if (name.starts_with("additional_chat_templates/"))
    return name.ends_with(".jinja") && std::count(name.begin(), name.end(), '/') == 1;
  if (name.find('/') != name.npos) return false;
  return is_one_of(name, kSmallFiles) || is_tokenizer_file(name) || is_beside_tokenizer(name) ||
         (name.starts_with("sentence_") && name.ends_with("_config.json"));
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// Whether the file's name has the tag as a word: "model-Q4_K_M.gguf", not "model-Q4_K_M_L.gguf".
bool has_tag(std::string_view path, std::string_view tag) {
  const std::string text = upper(path), wanted = upper(tag);
  const auto ends = [](char c) { return c == '-' || c == '.' || c == '/'; };
  for (std::size_t at = text.find(wanted); at != text.npos; at = text.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    const bool begins = at == 0 || ends(text[at - 1]) || text[at - 1] == '_';
    if (begins && end < text.size() && ends(text[end])) return true;
  }
  return false;
}

class Chooser {
 public:
  Chooser(const ModelName& name, const std::vector<std::string>& listed, const ReadFile& read)
      : name_(name), listed_(listed.begin(), listed.end()), read_(read) {}

  Choice choose() {
    if (!name_.file.empty())
      take_file();
    else if (!name_.tag.empty())
      take_gguf(tagged(name_.tag));
    else
      take_model();
    choice_.files.insert(choice_.files.end(), weights_.begin(), weights_.end());
    return std::move(choice_);
  }

 private:
  bool has(const std::string& path) const { return listed_.contains(path); }
  std::string where() const { return name_.text(); }

  void take_small_files(const std::string& folder) {
    for (const std::string& path : listed_) {
      if (!path.starts_with(folder)) continue;
      const std::string_view rest = std::string_view(path).substr(folder.size());
      if (!is_small_file(rest) || is_one_of(path, choice_.files)) continue;
      choice_.files.push_back(path);
      choice_.tokenizer |= is_tokenizer_file(rest);
    }
  }

  void take_file() {
    if (!has(name_.file)) fail(ErrorCode::kNotFound, where(), "the repository has no such file");
    if (name_.file.ends_with(".gguf")) return take_gguf(name_.file);
    choice_.model = name_.file;
    weights_.push_back(name_.file);
    if (name_.file.ends_with(".swiftlet")) {
      choice_.tokenizer = true;
      return;
    }
    const std::size_t slash = name_.file.rfind('/');
    take_small_files(slash == std::string::npos ? "" : name_.file.substr(0, slash + 1));
  }

  void take_gguf(const std::string& path) {
    choice_.tokenizer = true;
    choice_.model = path;
    for (const std::filesystem::path& part : gguf_parts(path)) {
      if (!has(part.string()))
        fail(ErrorCode::kNotFound, where(), "the repository holds {} but not {}", printable(path),
             printable(part.string()));
      weights_.push_back(part.string());
    }
  }

  // The models in GGUF, of those in parts the first. Projectors of pictures are no models.
  std::vector<std::string> gguf_models() const {
    std::vector<std::string> models;
    for (const std::string& path : listed_) {
      if (!path.ends_with(".gguf") || path.find("mmproj") != std::string::npos) continue;
      if (gguf_parts(path).front() == path) models.push_back(path);
    }
    return models;
  }

  // The one model that has the tag; "" where none has it.
  std::string only_tagged(std::string_view tag) const {
    std::vector<std::string> found = gguf_models();
    std::erase_if(found, [&](const std::string& path) { return !has_tag(path, tag); });
    if (found.size() > 1) fail_several();
    return found.empty() ? "" : found.front();
  }

  [[noreturn]] void fail_several() const {
    fail(ErrorCode::kUsage, where(), "several GGUF files to choose from, as {}/FILE{}", name_.repository,
         among());
  }

  std::string tagged(std::string_view tag) const {
    if (std::string path = only_tagged(tag); !path.empty()) return path;
    fail(ErrorCode::kNotFound, where(), "no GGUF file of the repository is named after {}{}", tag, among());
  }

  std::string among() const {
    const std::vector<std::string> models = gguf_models();
    if (models.empty()) return ": it holds none";
    std::string text = ": it holds ";
    constexpr std::size_t kShown = 4;
    for (std::size_t i = 0; i < std::min(models.size(), kShown); ++i)
      text += (i > 0 ? ", " : "") + printable(models[i]);
    if (models.size() > kShown) text += fmt::format(" and {} more", models.size() - kShown);
    return text;
  }

  void take_usual_gguf() {
    for (const std::string_view tag : kUsualTags)
      if (const std::string path = only_tagged(tag); !path.empty()) return take_gguf(path);
    const std::vector<std::string> models = gguf_models();
    if (models.size() > 1) fail_several();
    take_gguf(models.front());
  }

  void take_model() {
    std::vector<std::string> folders = {""};
    if (has("modules.json")) add_modules(folders);
    for (const std::string& folder : folders) take_small_files(folder);
    for (const std::string& folder : folders) take_weights(folder);
    if (!weights_.empty() || !choice_.whole) return;
    if (!gguf_models().empty()) {
      choice_.files.clear();
      return take_usual_gguf();
    }
    fail(
        ErrorCode::kNotFound, where(),
        "the repository holds no weights that can be read: expected safetensors, pytorch_model.bin or GGUF{}",
        others());
  }

  // What there is instead.
  std::string others() const {
    for (const auto& [ending, what] :
         {std::pair{".onnx", "ONNX"}, std::pair{".msgpack", "Flax"}, std::pair{".h5", "TensorFlow"},
          std::pair{"adapter_model.safetensors", "an adapter without its model"}})
      for (const std::string& path : listed_)
        if (path.ends_with(ending)) return fmt::format(", found {}", what);
    return "";
  }

  std::optional<nlohmann::json> read(const std::string& path) {
    const std::optional<std::string> text = read_(path);
    if (!text) {
      choice_.whole = false;
      return std::nullopt;
    }
    return parse_json(*text, fmt::format("{}/{}", name_.repository, path), {.bytes = kMostIndexBytes});
  }

  // The folders of sentence-transformers.
  void add_modules(std::vector<std::string>& folders) {
    const auto json = read("modules.json");
    if (!json || !json->is_array()) return;
    for (const auto& module : *json) {
      const auto path = module.is_object() ? module.find("path") : module.end();
      if (!module.is_object() || path == module.end() || !path->is_string()) continue;
      const std::string folder = path->get<std::string>();
      if (!folder.empty() && is_safe_path(folder)) folders.push_back(folder + "/");
    }
  }

  void take_weights(const std::string& folder) {
    for (const std::string_view weights : kWeightFiles) {
      const std::string path = folder + std::string(weights);
      if (!has(path)) continue;
      if (!weights.ends_with(".json")) return weights_.push_back(path);
      choice_.files.push_back(path);
      return take_shards(folder, path);
    }
  }

  void take_shards(const std::string& folder, const std::string& index) {
    const auto json = read(index);
    if (!json) return;
    const std::string place = fmt::format("{}/{}", name_.repository, index);
    require(json->is_object() && json->contains("weight_map") && (*json)["weight_map"].is_object(), place,
            "has no object \"weight_map\"");
    std::set<std::string> shards;
    for (const auto& entry : (*json)["weight_map"]) {
      require(entry.is_string(), place, "expected names of files in \"weight_map\"");
      shards.insert(entry.get<std::string>());
    }
    for (const std::string& shard : shards) {
      require(is_safe_path(shard), place, "a shard leads out of its folder: \"{}\"", printable(shard));
      if (!has(folder + shard))
        fail(ErrorCode::kNotFound, place, "names {}, which the repository does not hold", printable(shard));
      weights_.push_back(folder + shard);
    }
  }

  const ModelName& name_;
  std::set<std::string> listed_;
  const ReadFile& read_;
  Choice choice_;
  std::vector<std::string> weights_;
};

}  // namespace

Choice choose_files(const ModelName& name, const std::vector<std::string>& listed, const ReadFile& read) {
  return Chooser(name, listed, read).choose();
}

}  // namespace swiftlet::hub
