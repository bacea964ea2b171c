#include "swiftlet/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

class Npy : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("swiftlet-npy-{}", ::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path put(std::string_view bytes) const {
    const auto path = folder_ / "made.npy";
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  std::string error_of(std::string_view bytes) const {
    try {
      read_npy(put(bytes));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

// What numpy.save wrote for numpy.array([[1, 2, 3]], dtype='<f4').
const std::string kSaved = [] {
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
  bytes.resize(127, ' ');
  bytes += '\n';
  return bytes + std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12);
}();

TEST_F(Npy, WritesWhatNumpyWrites) {
  const auto path = folder_ / "x.npy";
  write_npy(path, std::vector<float>{1, 2, 3}, 3);
  EXPECT_EQ(read_text_file(path), kSaved);
}

TEST_F(Npy, ReadsWhatItWrote) {
  const auto path = folder_ / "x.npy";
  std::vector<float> values(5 * 7);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.5f * static_cast<float>(i) - 3;
  NpyWriter writer(path, 7);
  writer.append(std::span(values).first(14));
  writer.append({});
  writer.append(std::span(values).subspan(14));
  EXPECT_FALSE(std::filesystem::exists(path));
  writer.commit();
  EXPECT_EQ(writer.rows(), 5);
  const Tensor tensor = read_npy(path);
  EXPECT_EQ(tensor.shape(), (Shape{5, 7}));
  EXPECT_EQ(std::vector<float>(tensor.span<float>().begin(), tensor.span<float>().end()), values);
}

TEST_F(Npy, NoRowsIsAnEmptyMatrix) {
  const auto path = folder_ / "x.npy";
  write_npy(path, {}, 384);
  EXPECT_EQ(read_npy(path).shape(), (Shape{0, 384}));
}

TEST_F(Npy, NothingIsLeftWithoutCommit) {
  { NpyWriter(folder_ / "x.npy", 2).append(std::vector<float>{1, 2}); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Npy, ReadsOtherRanksAndUnalignedData) {
  const std::string vector(
      "\x93NUMPY\x01\x00\x38\x00{'shape': (1,), 'fortran_order': False, 'descr': '<f4'}\n\n", 10 + 56);
  const Tensor tensor = read_npy(put(vector + std::string("\0\0\x80\x3f", 4)));
  EXPECT_EQ(tensor.shape(), Shape{1});
  EXPECT_EQ(tensor.span<float>()[0], 1.0f);
}

TEST_F(Npy, EveryTruncationIsAnError) {
  for (std::size_t size = 0; size < kSaved.size(); ++size)
    EXPECT_THROW(read_npy(put(std::string_view(kSaved).substr(0, size))), Error) << size;
}

TEST_F(Npy, ErrorsNameTheFault) {
  using testing::HasSubstr;
  const auto changed = [](std::string_view from, std::string_view to) {
    std::string bytes = kSaved;
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  EXPECT_THAT(error_of("hello, this is text"), HasSubstr("made.npy] is not an .npy file"));
  EXPECT_THAT(error_of(changed("<f4", "<f8")), HasSubstr("expected little-endian f32"));
  EXPECT_THAT(error_of(changed("False", "True ")), HasSubstr("Fortran order"));
  EXPECT_THAT(error_of(changed("(1, 3)", "(1, 4)")), HasSubstr("[1, 4] needs 4 f32 values"));
  EXPECT_THAT(error_of(changed("(1, 3)", "(1, x)")), HasSubstr("the shape is malformed: (1, x)"));
  EXPECT_THAT(error_of(changed("(1, 3)", "(-1, 3)")), HasSubstr("malformed"));
  EXPECT_THAT(error_of(changed("shape", "shame")), HasSubstr("no 'shape'"));
  EXPECT_THAT(error_of(changed(std::string("\x01\x00", 2), std::string("\x09\x00", 2))),
              HasSubstr("version 9"));
  EXPECT_NE(error_of(changed("(1, 3)", "(9223372036854775807, 4)")), "no error");
}

}  // namespace
}  // namespace swiftlet
