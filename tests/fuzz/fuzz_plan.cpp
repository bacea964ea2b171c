// A plan file of compress. What is read must be the same after it was written.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "swiftlet/compress/plan.h"
#include "swiftlet/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string written = swiftlet::plan_to_json(
        swiftlet::plan_from_json({reinterpret_cast<const char*>(data), size}, "plan.json"));
    if (swiftlet::plan_to_json(swiftlet::plan_from_json(written, "again")) != written) __builtin_trap();
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
