#include "golden_model.h"

#include <gtest/gtest.h>

namespace swiftlet {

std::vector<std::int32_t> ids_of(const SafetensorsFile& dump, const std::string& name) {
  const Tensor tensor = dump.tensor(name);
  const auto ids = tensor.span<std::int32_t>();
  return {ids.begin(), ids.end()};
}

void check_against_dump(const GoldenCase& test) {
  const auto model = LoadedModel::load(
      test.model, {.precision = Arithmetic::kF32, .threads = test.threads, .table = test.table});
  for (const bool fuse : {true, false}) {
    SCOPED_TRACE(fuse ? "fused" : "not fused");
    const auto places = check_reference(*model, test.dump, fuse);
    ASSERT_GE(places.size(), 2u) << "the dump has next to nothing to compare";
    for (const ReferenceDifference& place : places)
      ASSERT_LE(place.relative_l2, kTolerance)
          << "first differing tensor: " << place.tensor << ", worst element " << place.worst_element
          << ": got " << place.got << ", reference " << place.reference;
  }
}

}  // namespace swiftlet
