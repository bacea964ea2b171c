#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "swiftlet/api/model_impl.h"
#include "swiftlet/hub/download.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

struct Bundled {
  std::string_view name, path;  // relative to the assets
};
constexpr std::array<Bundled, 2> kBundled{
    {{"stories-7m", "stories-7m"}, {"stories260K", "stories260K/stories260K.bin"}}};

std::vector<fs::path> asset_folders() {
  std::vector<fs::path> folders;
  if (const char* set = std::getenv("SWIFTLET_ASSETS")) folders.emplace_back(set);
  std::error_code ignored;
  const fs::path bin = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  folders.push_back(bin / "../share/swiftlet");
  Dl_info object;  // this code's own: the program, or libswiftlet.so in lib or in lib/<architecture>
  if (dladdr(kBundled.data(), &object) != 0 && object.dli_fname != nullptr) {
    const fs::path lib = fs::path(object.dli_fname).parent_path();
    folders.push_back(lib / "../share/swiftlet");
    folders.push_back(lib / "../../share/swiftlet");
  }
  folders.push_back(bin / "../../../assets");  // build/<preset>/bin
  return folders;
}

}  // namespace

std::optional<std::string> find_model(const std::string& name) {
  std::error_code error;
  // What cannot be looked at is there: the loader says why.
  if (fs::exists(name, error) || (error && error != std::errc::no_such_file_or_directory)) return name;
  std::error_code ignored;
  for (const Bundled& bundled : kBundled) {
    if (bundled.name != name) continue;
    for (const fs::path& folder : asset_folders())
      if (const fs::path path = folder / bundled.path; fs::exists(path, ignored))
        return path.lexically_normal().string();
  }
  return std::nullopt;
}

std::string locate_model(const std::string& name) {
  if (const auto found = find_model(name)) return *found;
  if (const auto parsed = hub::parse_model_name(name))
    if (const auto cached = hub::find_in_cache(*parsed, hub::Settings::from_environment()))
      return cached->model.string();
  return name;  // the loader says what it expected
}

}  // namespace swiftlet
