// Extractive question answering: the part of a text, of any length, that answers a question.
#pragma once

#include "swiftlet/tasks.h"
#include "swiftlet/tasks/head_runner.h"

namespace swiftlet::tasks {

// Answers to each question, best first. A span's score is the product of the probabilities that it begins and
// ends where it does, both over the context of its window and its first token, which stands for "none"
// (Devlin et al., 2019). Throws kUsage for options out of range, kInvalid for a question that leaves no room.
std::vector<std::vector<Answer>> answer(HeadRunner& runner, const std::vector<Question>& questions,
                                        const AnswerOptions& options, const Job& job);

}  // namespace swiftlet::tasks
