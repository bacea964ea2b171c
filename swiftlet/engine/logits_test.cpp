#include "swiftlet/engine/logits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/rng.h"

namespace swiftlet {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

std::size_t first_largest(const std::vector<float>& logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i)
    if (logits[i] > logits[best]) best = i;
  return best;
}

TEST(TopLogit, IsTheFirstOfTheLargestOfManyRows) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::vector<float> logits(1 + 97 * seed);
    // Few values, of both signs, so that equals abound.
    for (std::size_t i = 0; i < logits.size(); ++i)
      logits[i] = std::round(static_cast<float>(40 * uniform(seed, 0, i) - 60 * uniform(seed, 1, 0)));
    if (seed % 3 == 1) logits[logits.size() / 2] = -kInf;
    EXPECT_EQ(top_logit(logits, "test"), first_largest(logits)) << seed;
  }
}

TEST(TopLogit, TakesZerosOfBothSignsAsEqual) {
  std::vector<float> logits(2000, -1.0f);
  logits[100] = -0.0f;
  logits[1500] = 0.0f;
  EXPECT_EQ(top_logit(logits, "test"), 100u);
}

TEST(TopLogit, NamesWhatIsNoNumberWhereverItIs) {
  for (const float wrong : {kNan, -kNan, kInf})
    for (const std::size_t at : {0u, 1u, 511u, 512u, 1700u, 1999u}) {
      std::vector<float> logits(2000, 3.0f);
      logits[at] = wrong;
      try {
        top_logit(logits, "test");
        FAIL() << "took " << wrong << " at " << at;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("logit " + std::to_string(at) + " of 2000"),
                  std::string::npos)
            << error.what();
      }
    }
  EXPECT_THROW(top_logit(std::vector<float>(1000, -kInf), "test"), Error);
  EXPECT_THROW(top_logit({}, "test"), Error);
}

}  // namespace
}  // namespace swiftlet
