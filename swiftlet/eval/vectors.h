// Embedding texts for a task, timed, and similarities of the vectors.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "swiftlet/engine/encoder.h"
#include "swiftlet/eval/task.h"

namespace swiftlet {

class StopWatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// [texts, width]; adds items, tokens and the time in the model to `result`.
std::vector<float> embed_for_task(Encoder& encoder, std::span<const std::string> texts, TaskResult& result,
                                  const Job& job);

double dot(std::span<const float> a, std::span<const float> b);
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace swiftlet
