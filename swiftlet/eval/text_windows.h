// A text cut into token windows for the likelihood tasks.
#pragma once

#include <cstdint>
#include <vector>

#include "swiftlet/eval/perplexity.h"
#include "swiftlet/eval/task.h"

namespace swiftlet {

struct TextWindows {
  std::vector<std::int32_t> tokens;  // of the whole file, without special ones
  std::size_t bytes = 0;             // of the text
  std::int64_t context = 0, stride = 0;
  std::vector<Window> windows;
};

// Reads the data of a task (text, possibly .gz). Without a context: the model's maximum, at most 1024;
// without a stride: half the context. Throws as its parts do.
TextWindows read_text_windows(const LoadedModel& model, const TaskOptions& options);

}  // namespace swiftlet
