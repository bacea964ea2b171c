// Stands in for libFuzzer where it is missing: runs a target on every file of the folders that are named, and
// on a fixed number of damaged copies of each. The same bytes on every machine and in every run.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kDamagedCopies = 500;

// In a heap block of exactly its size, so that sanitizers see a read behind the end.
void run(const Bytes& bytes) {
  Bytes exact(bytes);
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Bytes damaged(Bytes bytes, std::mt19937& random) {
  if (bytes.empty()) return bytes;
  const auto place = [&] { return static_cast<std::ptrdiff_t>(random() % bytes.size()); };
  for (unsigned i = 0; i < 1 + random() % 4 && !bytes.empty(); ++i) {
    switch (random() % 5) {
      case 0:
        bytes[static_cast<std::size_t>(place())] ^= static_cast<std::uint8_t>(1U << (random() % 8));
        break;
      case 1:
        bytes[static_cast<std::size_t>(place())] = static_cast<std::uint8_t>(random());
        break;
      case 2:
        bytes.resize(static_cast<std::size_t>(place()));
        break;
      case 3:
        bytes.insert(bytes.begin() + place(), static_cast<std::uint8_t>('0' + random() % 10));
        break;
      default:
        bytes.erase(bytes.begin() + place());
    }
  }
  return bytes;
}

}  // namespace

int main(int count, char** folders) {
  std::mt19937 random(1);
  int files = 0;
  for (int i = 1; i < count; ++i) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folders[i])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      std::ifstream file(path, std::ios::binary);
      const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
      run(bytes);
      for (int copy = 0; copy < kDamagedCopies; ++copy) run(damaged(bytes, random));
      ++files;
    }
  }
  std::printf("%d files of the corpus and %d damaged copies of each\n", files, kDamagedCopies);
  return files > 0 ? 0 : 1;
}
