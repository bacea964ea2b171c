#include "swiftlet/core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace swiftlet {
namespace {

using testing::HasSubstr;

TEST(Error, SaysWhereAndWhatInOneLine) {
  try {
    fail(ErrorCode::kNotFound, "model.safetensors", "tensor {} of {}", "a.weight", 7);
    FAIL() << "fail() returned";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(), "[model.safetensors] tensor a.weight of 7");
  }
}

TEST(Error, NamesFromFilesDoNotSteerTheTerminal) {
  try {
    fail(ErrorCode::kInvalid, "a\nb", "type {} of \u00e9\u009b", "\x1b[31mred");
    FAIL() << "fail() returned";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[a?b] type ?[31mred of \u00e9??");
  }
}

TEST(Error, RequireThrowsInvalidOnlyWhenBroken) {
  EXPECT_NO_THROW(require(true, "here", "never said"));
  try {
    require(false, "config.json", "hidden_size is {}, expected a positive number", -3);
    FAIL() << "require() let a broken condition pass";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_STREQ(error.what(), "[config.json] hidden_size is -3, expected a positive number");
  }
}

TEST(Error, ErrnoHasItsText) {
  EXPECT_EQ(errno_text(ENOSPC), "No space left on device");
}

TEST(Error, AssertionNamesExpressionAndPlace) {
  const int two = 2;
  EXPECT_NO_THROW(SWIFTLET_ASSERT(two == 2));
  try {
    SWIFTLET_ASSERT(two == 3);
    FAIL() << "a wrong assertion passed";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("two == 3"));
    EXPECT_THAT(error.what(), HasSubstr("error_test.cpp:"));
  }
}

}  // namespace
}  // namespace swiftlet
