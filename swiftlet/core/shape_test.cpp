#include "swiftlet/core/shape.h"

#include <gtest/gtest.h>

#include <limits>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

TEST(Shape, ElementsAreTheProduct) {
  EXPECT_EQ(Shape{}.elements(), 1);  // a scalar
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ((Shape{2, 0, 4}).elements(), 0);
}

TEST(Shape, NegativeIndicesCountFromTheEnd) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3u);
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[-1], 4);
  EXPECT_EQ(shape[-3], 2);
}

TEST(Shape, RefusesWhatCannotBeCounted) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ((Shape{kMax}).elements(), kMax);
  EXPECT_THROW((Shape{kMax, 2}).elements(), Error);
  EXPECT_THROW((Shape{std::int64_t{1} << 32, std::int64_t{1} << 31}).elements(), Error);
  EXPECT_THROW((Shape{3, -1}).elements(), Error);
}

TEST(Shape, PrintsAndCompares) {
  EXPECT_EQ((Shape{2, 384}).to_string(), "[2, 384]");
  EXPECT_EQ(Shape{}.to_string(), "[]");
  EXPECT_EQ((Shape{2, 384}), Shape(std::vector<std::int64_t>{2, 384}));
  EXPECT_NE((Shape{2, 384}), (Shape{2, 384, 1}));
}

}  // namespace
}  // namespace swiftlet
