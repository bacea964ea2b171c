// The tasks of heads, by the public interface.
#include "swiftlet/api/model_impl.h"
#include "swiftlet/tasks/answer.h"
#include "swiftlet/tasks/classify.h"
#include "swiftlet/tasks/fill.h"
#include "swiftlet/tasks/tag.h"

namespace swiftlet {

using models::Task;

tasks::HeadRunner& Model::Impl::require_runner(models::Task task, std::string_view command) {
  tasks::require_head(*loaded, task, command);
  if (!runner) runner.emplace(loaded);
  return *runner;
}

HeadInfo Model::head() const {
  const models::BuiltModel& built = impl_->loaded->built;
  if (!built.head) return {.task = {}, .architecture = built.unknown_head, .labels = {}};
  return {.task = std::string(models::to_string(built.head->task)),
          .architecture = built.head->architecture,
          .labels = built.head->labels};
}

std::vector<Classification> Model::classify(const std::vector<TextPair>& texts,
                                            const ClassifyOptions& options, const Job* job) {
  const Turns::Turn turn(impl_->turns);
  return tasks::classify(impl_->require_runner(Task::kSequence, "classify"), texts, options, or_default(job));
}

std::vector<Choice> Model::choose(const std::vector<ChoiceQuestion>& questions, const Job* job) {
  const Turns::Turn turn(impl_->turns);
  return tasks::choose(impl_->require_runner(Task::kChoice, "choosing"), questions, or_default(job));
}

std::vector<RankedDocument> Model::rerank(const std::string& query, const std::vector<std::string>& documents,
                                          const RerankOptions& options, const Job* job) {
  const Turns::Turn turn(impl_->turns);
  return tasks::rerank(impl_->require_runner(Task::kSequence, "rerank"), query, documents, options,
                       or_default(job));
}

std::vector<std::vector<Entity>> Model::tag(const std::vector<std::string>& texts, const TagOptions& options,
                                            const Job* job) {
  const Turns::Turn turn(impl_->turns);
  return tasks::tag(impl_->require_runner(Task::kToken, "tag"), texts, options, or_default(job));
}

std::vector<std::vector<Answer>> Model::answer(const std::vector<Question>& questions,
                                               const AnswerOptions& options, const Job* job) {
  const Turns::Turn turn(impl_->turns);
  return tasks::answer(impl_->require_runner(Task::kQuestion, "answer"), questions, options, or_default(job));
}

std::vector<std::vector<std::vector<MaskFill>>> Model::fill(const std::vector<std::string>& texts,
                                                            const FillOptions& options, const Job* job) {
  const Turns::Turn turn(impl_->turns);
  return tasks::fill(impl_->require_runner(Task::kMaskedLm, "fill"), texts, options, or_default(job));
}

}  // namespace swiftlet
