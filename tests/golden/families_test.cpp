// Every tiny checkpoint of tests/data/models, and every head of tests/data/heads, on every instruction set of
// this machine.
#include <gtest/gtest.h>

#include "golden_model.h"
#include "swiftlet/engine/engine.h"

namespace swiftlet {
namespace {

std::vector<std::string> folders_of(const std::string& place) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests/data" / place))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const auto* table : kernels::available_tables()) names.emplace_back(table->isa);
  return names;
}

std::string test_name(const testing::TestParamInfo<std::tuple<std::string, std::string>>& info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class Families : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  std::filesystem::path folder() const {
    return source_dir() / "tests/data/models" / std::get<0>(GetParam());
  }
  const kernels::KernelTable& table() const { return kernels::table_for(std::get<1>(GetParam())); }
};

TEST_P(Families, EveryHiddenStateEqualsTransformers) {
  check_against_dump({.model = folder(), .dump = folder() / "golden.safetensors", .table = &table()});
}

TEST_P(Families, GreedyTokensEqualTransformers) {
  const auto dump = SafetensorsFile::open(folder() / "golden.safetensors");
  if (dump.find("greedy.0") == nullptr) GTEST_SKIP() << "an encoder does not generate";
  const auto model =
      LoadedModel::load(folder(), {.precision = Arithmetic::kF32, .threads = 2, .table = &table()});
  Engine engine(model, {.max_sequences = 3, .step_tokens = 16});
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < 3; ++i)
    numbers.push_back(engine.submit(ids_of(dump, fmt::format("input_ids.{}", i)),
                                    {.max_new_tokens = 24, .ignore_eos = true}));
  while (engine.step()) {
  }
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(engine.take(numbers[static_cast<std::size_t>(i)]).tokens,
              ids_of(dump, fmt::format("greedy.{}", i)))
        << "sequence " << i;
}

class Heads : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Heads, LogitsEqualTransformers) {
  const auto folder = source_dir() / "tests/data/heads" / std::get<0>(GetParam());
  check_against_dump({.model = folder,
                      .dump = folder / "golden.safetensors",
                      .table = &kernels::table_for(std::get<1>(GetParam()))});
}

INSTANTIATE_TEST_SUITE_P(All, Heads,
                         testing::Combine(testing::ValuesIn(folders_of("heads")), testing::ValuesIn(isas())),
                         test_name);

INSTANTIATE_TEST_SUITE_P(All, Families,
                         testing::Combine(testing::ValuesIn(folders_of("models")), testing::ValuesIn(isas())),
                         test_name);

}  // namespace
}  // namespace swiftlet
