#include "swiftlet/io/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

class Npy : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("swiftlet-npy-{}", ::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

// What numpy.save writes for float32 of this shape.
std::string saved_header(const std::string& shape) {
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  bytes.resize(127, ' ');
  return bytes + '\n';
}

TEST_F(Npy, WritesWhatNumpyWrites) {
  const auto path = folder_ / "x.npy";
  write_npy(path, std::vector<float>{1, 2, 3}, 3);
  EXPECT_EQ(read_text_file(path),
            saved_header("(1, 3)") + std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12));
}

TEST_F(Npy, NoRowsIsAnEmptyMatrix) {
  const auto path = folder_ / "x.npy";
  write_npy(path, {}, 384);
  EXPECT_EQ(read_text_file(path), saved_header("(0, 384)"));
}

TEST_F(Npy, AFileThatCannotBeWrittenIsNamed) {
  try {
    write_npy(folder_ / "missing" / "x.npy", std::vector<float>{1}, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("x.npy"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace swiftlet
