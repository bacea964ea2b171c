#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "swiftlet/core/error.h"
#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/linear_kernels.h"

namespace swiftlet::kernels {
namespace {

using ::testing::HasSubstr;

std::string message_of(const char* isa) {
  try {
    table_for(isa);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(Dispatch, ScalarIsAlwaysThereAndFirst) {
  ASSERT_FALSE(available_tables().empty());
  EXPECT_EQ(available_tables().front()->isa, "scalar");
}

TEST(Dispatch, EveryTableIsComplete) {
  for (const KernelTable* table : available_tables()) {
    EXPECT_EQ(&table_for(table->isa), table);
    ASSERT_NE(table->linear, nullptr) << table->isa;
    for (const LinearPath* path : {table->linear->f32, table->linear->int8}) {
      ASSERT_NE(path, nullptr) << table->isa;
      EXPECT_TRUE(path->supports && path->tile_rows && path->prepare && path->multiply) << table->isa;
    }
    EXPECT_NE(table->rows.layer_norm, nullptr) << table->isa;
    EXPECT_NE(table->attention.attend_chunk, nullptr) << table->isa;
  }
}

// Whose kernels a table has where it brings none of its own.
std::string_view base_of(std::string_view isa) {
  return isa == "avxvnni" ? "avx2" : isa == "amx" ? "avx512" : isa;
}

// Each instruction set brings kernels of its own: none stands in for another, but for what is told above.
TEST(Dispatch, TablesDiffer) {
  for (const KernelTable* a : available_tables())
    for (const KernelTable* b : available_tables()) {
      if (a == b) continue;
      EXPECT_NE(a->linear->int8->multiply, b->linear->int8->multiply) << a->isa << " and " << b->isa;
      if (base_of(a->isa) == base_of(b->isa)) continue;
      EXPECT_NE(a->linear->f32->multiply, b->linear->f32->multiply) << a->isa << " and " << b->isa;
      EXPECT_NE(a->rows.layer_norm, b->rows.layer_norm) << a->isa << " and " << b->isa;
      EXPECT_NE(a->attention.attend_chunk, b->attention.attend_chunk) << a->isa << " and " << b->isa;
    }
}

TEST(Dispatch, NamesWhatItKnows) {
  EXPECT_THAT(message_of("sse9"),
              HasSubstr("[isa] expected one of scalar, avx2, avxvnni, avx512, amx, got \"sse9\""));
  EXPECT_THAT(message_of(""), HasSubstr("got \"\""));
}

// A known table is available or the answer says what is missing for it.
TEST(Dispatch, SaysWhatIsMissing) {
  for (const std::string_view isa : table_names()) {
    const std::string_view missing = missing_for(isa);
    const bool available = std::any_of(available_tables().begin(), available_tables().end(),
                                       [&](const KernelTable* table) { return table->isa == isa; });
    EXPECT_EQ(available, missing.empty()) << isa;
    if (available) continue;
    EXPECT_THAT(message_of(std::string(isa).c_str()), HasSubstr(fmt::format("it lacks {};", missing)));
  }
}

// default_table() reads SWIFTLET_ISA once, so each name is tried in a process of its own.
void expect_forced(const char* isa) {
  EXPECT_EXIT(
      {
        ::setenv("SWIFTLET_ISA", isa, 1);
        std::exit(default_table().isa == isa ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "")
      << isa;
}

TEST(DispatchDeathTest, TheVariableForcesATable) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const KernelTable* table : available_tables()) expect_forced(std::string(table->isa).c_str());
}

TEST(DispatchDeathTest, AnUnknownNameInTheVariableIsAnError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ::setenv("SWIFTLET_ISA", "mmx", 1);
        try {
          default_table();
        } catch (const Error& error) {
          std::exit(error.code() == ErrorCode::kUsage ? 0 : 1);
        }
        std::exit(2);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace swiftlet::kernels
