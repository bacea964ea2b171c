#include "swiftlet/compress/quantize/gptq.h"

#include "swiftlet/compress/prune/mask.h"
#include "swiftlet/core/error.h"
#include "swiftlet/encoding/panel_work.h"

namespace swiftlet {

Gptq::Gptq(Dense& dense, const SecondMoments& moments, const GptqOptions& options, const std::string& where)
    : feedback_(dense, moments, {.damping = options.damping, .activation_order = options.activation_order},
                where) {}

Weight Gptq::round(Dense& dense, const Weight& weight, const Encoding& encoding, const GroupScales& scales,
                   const Mask* zeros) const {
  SWIFTLET_ASSERT(weight.shape[1] == feedback_.k());
  ThreadPool& pool = dense.pool();
  IntegerWeightBuilder builder(weight.name, encoding, weight.shape[0], feedback_.k());
  const PanelGeometry& g = builder.geometry();
  for_rows_of_panels(g.n, &pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      for (std::int64_t i = 0; i < g.groups; ++i)
        builder.set_group(r, i, scales[static_cast<std::size_t>(r * g.groups + i)]);
  });
  feedback_.run(
      dense, weight, ErrorFeedback::kBlock, [](const MovedBlock&) {},
      [&](std::int64_t r, std::int64_t place, const MovedBlock& moved) {
        const std::int64_t column = feedback_.column(place);
        const GroupScale& scale = scales[static_cast<std::size_t>(r * g.groups + column / g.group)];
        const bool zero = zeros != nullptr && zeros->at(r, column);
        const int code = zero ? scale.zero_point : nearest_code(encoding, scale, moved.at(r, place));
        builder.set_code(r, column, code);
        return code_value(scale, code);
      });
  return std::move(builder).finish();
}

}  // namespace swiftlet
