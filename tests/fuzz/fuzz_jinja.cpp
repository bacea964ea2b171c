// A template, and behind a line of "---" the JSON object of its variables. The budgets are small, so that a
// run is short.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/text/jinja.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t mark = input.find("\n---\n");
  const std::string_view variables = mark == std::string_view::npos ? "{}" : input.substr(mark + 5);
  try {
    const auto parsed = swiftlet::text::JinjaTemplate::parse(input.substr(0, mark), "template");
    swiftlet::text::JinjaTemplate::Options options;
    options.limits.steps = 200'000;
    options.limits.bytes = 16 << 20;
    options.now.tm_mday = 1;
    if (parsed.render(variables, options).size() > (std::size_t{64} << 20)) __builtin_trap();
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
