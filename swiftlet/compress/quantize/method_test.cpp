#include "swiftlet/compress/quantize/method.h"

#include <gtest/gtest.h>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

TEST(Method, IsReadFromNamesInAnyOrder) {
  EXPECT_EQ(parse_method("rtn"), Method{});
  EXPECT_EQ(parse_method("clip").clip, true);
  EXPECT_EQ(parse_method("gptq").rounding, Rounding::kGptq);
  const Method both = parse_method("gptq+awq");
  EXPECT_EQ(both, parse_method("awq+gptq"));
  EXPECT_EQ(both.scaling, ChannelScaling::kAwq);
  EXPECT_TRUE(both.clip) << "AWQ clips";
  EXPECT_FALSE(parse_method("smoothquant").clip);
  EXPECT_EQ(parse_method("smoothquant+rtn"), parse_method("smoothquant"));
}

TEST(Method, IsWrittenAsItIsRead) {
  for (const char* names : {"rtn", "clip", "gptq", "clip+gptq", "awq", "awq+gptq", "smoothquant",
                            "smoothquant+clip", "smoothquant+clip+gptq"})
    EXPECT_EQ(to_string(parse_method(names)), names);
}

TEST(Method, KnowsWhichLookAtSamples) {
  EXPECT_FALSE(needs_calibration(parse_method("rtn")));
  EXPECT_FALSE(needs_calibration(parse_method("clip")));
  for (const char* names : {"gptq", "awq", "smoothquant"})
    EXPECT_TRUE(needs_calibration(parse_method(names))) << names;
}

TEST(Method, RefusesWhatIsNotKnownOrContradictsItself) {
  const auto message_of = [](const char* names) -> std::string {
    try {
      parse_method(names);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error.what();
    }
    return "";
  };
  const std::string known = "known are rtn, clip, gptq, awq, smoothquant, or several joined by '+'";
  EXPECT_EQ(message_of("best"), "[method] 'best' is not known; " + known);
  EXPECT_EQ(message_of("gptq+"), "[method] '' is not known; " + known);
  EXPECT_EQ(message_of(""), "[method] '' is not known; " + known);
  EXPECT_EQ(message_of("awq+smoothquant"),
            "[method] 'awq+smoothquant': awq and smoothquant both scale channels; take one");
  EXPECT_EQ(message_of("rtn+gptq"), "[method] 'rtn+gptq': rtn and gptq both round; take one");
}

}  // namespace
}  // namespace swiftlet
