#include "swiftlet/eval/text_windows.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/core/text_source.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kDefaultContext = 1024;

}  // namespace

TextWindows read_text_windows(const LoadedModel& model, const TaskOptions& options) {
  TextWindows text;
  const std::int64_t most = model.built.max_positions;
  text.context = options.context > 0 ? options.context : std::min(most, kDefaultContext);
  text.stride = options.stride > 0 ? options.stride : std::max<std::int64_t>(1, text.context / 2);
  if (text.context > most)
    fail(ErrorCode::kUsage, "context", "{} tokens are more than the {} positions of {}", text.context, most,
         model.checkpoint.source);
  const std::string content = read_text(options.data);
  text.bytes = content.size();
  text.tokens = model.encode(content, {.add_special = false});
  require(text.tokens.size() >= 2, options.data.string(), "has {} tokens, at least 2 are needed",
          text.tokens.size());
  text.windows = plan_windows(text.tokens.size(), static_cast<std::size_t>(text.context),
                              static_cast<std::size_t>(text.stride));
  if (options.limit > 0 && text.windows.size() > static_cast<std::size_t>(options.limit))
    text.windows.resize(static_cast<std::size_t>(options.limit));
  return text;
}

}  // namespace swiftlet
