// Serves the folders FOLDER/ORG/NAME as models of a hub, until standard input ends: for trying things out and
// for tools/reference/compare_hub_cache.py.
//
//   hub_server FOLDER [PORT]        prints the address for HF_ENDPOINT
#include "tests/support/hub_server.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: hub_server FOLDER [PORT]\n", stderr);
    return 2;
  }
  swiftlet::testing::HubServer server(argc > 2 ? static_cast<std::uint16_t>(std::stoi(argv[2])) : 0);
  const fs::path root = argv[1];
  for (const auto& entry :
       fs::recursive_directory_iterator(root, fs::directory_options::follow_directory_symlink)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().lexically_relative(root).string();
    const std::size_t slash = path.find('/', path.find('/') + 1);
    if (slash == std::string::npos) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    constexpr std::size_t kLarge = 100'000;
    server.add(path.substr(0, slash), path.substr(slash + 1), content, content.size() > kLarge);
  }
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
