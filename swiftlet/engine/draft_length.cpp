#include "swiftlet/engine/draft_length.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

constexpr double kAllowance = 0.015;    // of every token, for trying again
constexpr double kMostCredit = 4;       // tokens: what a text that no longer pays may cost at its turn
constexpr double kReserve = 0.25;       // of it, not for trying what does not seem to pay
constexpr double kMargin = 1.05;        // by which drafts must be better: measured times are not exact
constexpr double kLeastLoss = 0.05;     // tokens for each draft, for the same reason
constexpr double kFirstRowCost = 0.25;  // of a row's share, while no larger step was measured
constexpr double kLeastRowCost = 0.01;  // of a step, beyond what was measured

// A match of 2 tokens, up to 4, up to 8, longer.
std::size_t class_of(std::size_t evidence) {
  return evidence <= 2 ? 0 : evidence <= 4 ? 1 : evidence <= 8 ? 2 : 3;
}

}  // namespace

StepCosts::StepCosts(std::int64_t max_rows)
    : measured_(static_cast<std::size_t>(max_rows + 1)),
      estimates_(static_cast<std::size_t>(max_rows + 1)),
      least_(max_rows + 1) {}

// Whatever else runs on the machine makes steps longer, never shorter: so shorter times count more, and a
// first long one only half against what was expected; it must not end all trials. A step with fewer rows
// takes no longer than one with more.
void StepCosts::measured(std::int64_t rows, double seconds) {
  const auto at = static_cast<std::size_t>(rows);
  SWIFTLET_ASSERT(rows >= 1 && at < measured_.size());
  double& mean = measured_[at];
  const bool first = mean == 0;
  if (first) mean = knows(rows) ? std::min(estimates_[at], seconds) : seconds;
  mean += (first || seconds < mean ? 0.5 : 0.05) * (std::min(seconds, 2 * mean) - mean);
  for (std::size_t i = 1; i < at; ++i) measured_[i] = std::min(measured_[i], mean);
  least_ = std::min(least_, rows);
  interpolate();
}

void StepCosts::interpolate() {
  const auto least = static_cast<std::size_t>(least_);
  double slope = kFirstRowCost * measured_[least] / static_cast<double>(least);
  std::size_t known = least;
  std::fill_n(estimates_.begin(), least + 1, measured_[least]);
  for (std::size_t i = least + 1; i < measured_.size(); ++i) {
    if (measured_[i] == 0) continue;
    const double rise = (measured_[i] - measured_[known]) / static_cast<double>(i - known);
    for (std::size_t j = known + 1; j <= i; ++j)
      estimates_[j] = measured_[known] + rise * static_cast<double>(j - known);
    slope = (measured_[i] - measured_[least]) / static_cast<double>(i - least);
    known = i;
  }
  slope = std::max(slope, kLeastRowCost * measured_[least]);
  for (std::size_t j = known + 1; j < measured_.size(); ++j)
    estimates_[j] = measured_[known] + slope * static_cast<double>(j - known);
}

double DraftRecord::acceptance(std::size_t evidence) const {
  return rates_[class_of(evidence)];
}

void DraftRecord::verified(std::size_t evidence, std::int64_t drafts, std::int64_t accepted) {
  for (std::int64_t i = 0; i < std::min(drafts, accepted + 1); ++i) {
    const std::size_t which = class_of(evidence + static_cast<std::size_t>(i));
    trials_[which] = std::min(trials_[which] + 1, 6);
    rates_[which] += ((i < accepted ? 1 : 0) - rates_[which]) / (2 + trials_[which]);
  }
}

void DraftRecord::pay(double tokens) {
  credit_ = std::min(credit_ + tokens, kMostCredit);
}

double StepPlan::seconds(const StepCosts& costs, std::int64_t more) const {
  return costs.seconds(rows + more) + late_seconds +
         static_cast<double>(std::max(rounds, more)) * round_seconds;
}

std::int64_t StepPlan::choose(const StepCosts& costs, const DraftRecord& record, std::size_t evidence,
                              std::int64_t most, double late) {
  if (!costs.knows(sequences)) return 0;
  const double now = seconds(costs), token = costs.seconds(sequences) / static_cast<double>(sequences);
  const auto loss = [&](std::int64_t k) {
    return std::max((seconds(costs, k) - now + late) / token, kLeastLoss * static_cast<double>(k));
  };
  std::int64_t best = 0;
  double speed = kMargin * tokens / now, gained = 0, all = 1, expected = 0;
  for (std::int64_t k = 1; k <= most && loss(k) <= record.credit(); ++k) {
    all *= record.acceptance(evidence + static_cast<std::size_t>(k - 1));  // a draft is evidence for the next
    expected += all;
    const double with = (tokens + expected) / seconds(costs, k);
    if (with > speed) best = k, speed = with, gained = expected;
  }
  // None seems to pay. That may be so only since the record is old.
  if (best == 0 && most > 0 && loss(1) <= record.credit() - kReserve)
    best = 1, gained = record.acceptance(evidence);
  if (best == 0) return 0;
  tokens += gained;
  rows += best;
  rounds = std::max(rounds, best);
  return best;
}

double StepPlan::gain(const StepCosts& costs, std::int64_t drafts, std::int64_t accepted) const {
  const double gained = kAllowance + static_cast<double>(accepted), count = static_cast<double>(drafts);
  if (drafts == 0) return gained;
  const double plain = costs.seconds(sequences), token = plain / static_cast<double>(sequences);
  const double share = count / static_cast<double>(rows - sequences);
  return gained - std::max((seconds(costs) - plain) / token * share, kLeastLoss * count);
}

}  // namespace swiftlet
