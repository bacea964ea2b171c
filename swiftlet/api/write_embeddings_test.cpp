#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet {
namespace {

class WriteEmbeddings : public ::testing::Test {
 protected:
  WriteEmbeddings() { std::filesystem::create_directories(folder_); }
  ~WriteEmbeddings() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  const Embeddings vectors_{2, 3, {0.1F, -1.0F / 3, 1e-30F, 2, 0, -3.4e38F}};
  const std::vector<std::string> texts_{"a \"quoted\" line\n", "\xff broken"};

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("swiftlet-embeddings-{}", ::getpid());
};

TEST_F(WriteEmbeddings, LinesGiveTheFloatsBack) {
  write_embeddings(vectors_, texts_, path("x.jsonl"));
  std::ifstream file(path("x.jsonl"));
  std::string line;
  for (std::size_t row = 0; row < 2; ++row) {
    ASSERT_TRUE(std::getline(file, line));
    const auto object = nlohmann::json::parse(line);
    if (row == 0)
      EXPECT_EQ(object["text"], texts_[0]);
    else
      EXPECT_EQ(object["text"], "\xef\xbf\xbd broken");
    ASSERT_EQ(object["embedding"].size(), 3u);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(object["embedding"][i].get<float>(), vectors_.values[row * 3 + i]);
  }
  EXPECT_FALSE(std::getline(file, line));
}

TEST_F(WriteEmbeddings, NpyHoldsTheMatrix) {
  write_embeddings(vectors_, texts_, path("x.npy"));
  const std::string bytes = read_text_file(path("x.npy"));
  EXPECT_NE(bytes.find("'shape': (2, 3)"), std::string::npos);
  const std::size_t size = vectors_.values.size() * sizeof(float);
  ASSERT_GT(bytes.size(), size);
  EXPECT_EQ(std::memcmp(bytes.data() + bytes.size() - size, vectors_.values.data(), size), 0);
}

TEST_F(WriteEmbeddings, RefusesOtherNames) {
  try {
    write_embeddings(vectors_, texts_, path("x.csv"));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
  }
  EXPECT_FALSE(std::filesystem::exists(path("x.csv")));
}

}  // namespace
}  // namespace swiftlet
