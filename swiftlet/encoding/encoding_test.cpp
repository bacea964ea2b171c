#include "swiftlet/encoding/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swiftlet/core/error.h"
#include "swiftlet/encoding/panel.h"

namespace swiftlet {
namespace {

TEST(Encoding, NamesAreReadBack) {
  for (const char* name : {"f32", "f16", "bf16", "int8", "int4", "int8-asym", "int4-g32", "int4-g32-asym",
                           "int8-g128-asym", "int4-g20"}) {
    const auto encoding = parse_encoding(name);
    ASSERT_TRUE(encoding) << name;
    EXPECT_EQ(to_string(*encoding), name);
  }
  EXPECT_EQ(*parse_encoding("int4-g32-asym"), (Encoding{Format::kInt4, 32, true}));
}

TEST(Encoding, RejectsOtherNames) {
  for (const char* name :
       {"", "int", "int3", "INT8", "int8-g", "int8-g0", "int8-g-4", "int8-g032", "int8-g32x", "int8-asym-g32",
        "f32-g32", "bf16-asym", "int8-", "int8-g99999999999", "g32", "-asym"})
    EXPECT_FALSE(parse_encoding(name)) << name;
}

TEST(PanelGeometry, FillsGroupsUpToTheStep) {
  // 100 columns in groups of 20: 5 groups, each filled up to 24 for int4's steps of 8.
  const PanelGeometry g = panel_geometry({Format::kInt4, 20, false}, 17, 100);
  EXPECT_EQ(g.panels, 2);
  EXPECT_EQ(g.groups, 5);
  EXPECT_EQ(g.group, 20);
  EXPECT_EQ(g.padded_group, 24);
  EXPECT_EQ(g.padded_k, 120);
  EXPECT_EQ(g.panel_code_bytes, 120 * 16 / 2);
  EXPECT_EQ(g.code_bytes(), 2 * 960);
  EXPECT_EQ(g.scales_bytes(), 2 * 5 * 16 * 2);
}

TEST(PanelGeometry, TheLastGroupMayBeShort) {
  const PanelGeometry g = panel_geometry({Format::kInt8, 32, false}, 16, 70);
  EXPECT_EQ(g.groups, 3);
  EXPECT_EQ(g.padded_k, 32 + 32 + 8);  // the last group's 6 columns fill two steps of 4
  const PanelGeometry whole = panel_geometry({Format::kInt8, 1000, false}, 16, 70);
  EXPECT_EQ(whole.groups, 1);
  EXPECT_EQ(whole.group, 70);
  EXPECT_EQ(whole.scale_bytes, 2);
}

TEST(PanelGeometry, FloatFormats) {
  const PanelGeometry f32 = panel_geometry({Format::kF32}, 16, 7),
                      bf16 = panel_geometry({Format::kBF16}, 1, 7);
  EXPECT_EQ(f32.padded_k, 7);
  EXPECT_EQ(f32.panel_code_bytes, 7 * 64);
  EXPECT_EQ(bf16.padded_k, 8);
  EXPECT_EQ(bf16.code_bytes(), 8 * 32);
  EXPECT_EQ(bf16.scales_bytes(), 0);
}

TEST(PanelGeometry, RejectsWhatDoesNotFit) {
  const Encoding int8{Format::kInt8};
  EXPECT_THROW(panel_geometry(int8, 0, 8), Error);
  EXPECT_THROW(panel_geometry(int8, 8, -1), Error);
  EXPECT_THROW(panel_geometry({Format::kInt8, -1, false}, 8, 8), Error);
  EXPECT_THROW(panel_geometry({Format::kF32, 32, false}, 8, 8), Error);
  EXPECT_THROW(panel_geometry({Format::kBF16, 0, true}, 8, 8), Error);
  EXPECT_THROW(panel_geometry(int8, std::int64_t{1} << 62, 8), Error);
  EXPECT_THROW(panel_geometry(int8, std::int64_t{1} << 39, std::int64_t{1} << 39), Error);
  // More columns under one scale than the int32 sums of the kernels hold.
  EXPECT_THROW(panel_geometry(int8, 1, 65537), Error);
  EXPECT_NO_THROW(panel_geometry({Format::kInt8, 128, false}, 1, 65537));
}

}  // namespace
}  // namespace swiftlet
