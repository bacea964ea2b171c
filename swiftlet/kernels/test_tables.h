// Tests that run once for each kernel table, by name: those of the dispatcher and the modelled ones. Where
// this machine lacks what a table needs, its tests skip with the reason. For tests.
//
//   using Linear = TestOfEveryTable;
//   TEST_P(Linear, DoesSomething) { check(table()); }
//   INSTANTIATE_TEST_SUITE_P(Tables, Linear, ::testing::ValuesIn(all_table_names()), name_of_table);
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "swiftlet/kernels/kernel_table.h"
#include "swiftlet/kernels/modelled_tables.h"

namespace swiftlet::kernels {

inline std::vector<std::string> all_table_names() {
  std::vector<std::string> names;
  for (const std::string_view name : table_names()) names.emplace_back(name);
  for (const ModelledTable& modelled : modelled_tables()) names.emplace_back(modelled.name);
  return names;
}

inline std::string name_of_table(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

class TestOfEveryTable : public ::testing::TestWithParam<std::string> {
 public:
  const KernelTable& table() const { return *table_; }

 protected:
  void SetUp() override {
    for (const ModelledTable& modelled : modelled_tables())
      if (modelled.name == GetParam()) return use(modelled.table, modelled.missing);
    const std::string_view missing = missing_for(GetParam());
    use(missing.empty() ? &table_for(GetParam()) : nullptr, missing);
  }

 private:
  void use(const KernelTable* table, std::string_view missing) {
    table_ = table;
    if (table == nullptr) GTEST_SKIP() << "this processor lacks " << missing;
  }
  const KernelTable* table_ = nullptr;
};

}  // namespace swiftlet::kernels
