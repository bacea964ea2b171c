// How many tokens to draft. To verify k drafts costs a step of 1 + k rows in place of one, and yields as many
// tokens more as are accepted. What a row costs depends on the model, the machine and the batch; how many are
// accepted, on the text. Both are measured as it goes.
//
//   StepCosts    seconds of a step by its rows, of the whole engine
//   DraftRecord  of a sequence: how often a draft was accepted, by the evidence for it; its account
//
// The account keeps the promise that speculation which does not pay costs next to nothing: time lost is
// debited, time gained credited, and a draft is made only as long as the account could bear its loss. A small
// share of every step is paid in, for trying again now and then: the text may have turned into one that pays.
//
// Plain values, one thread at a time, no allocation after construction.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace swiftlet {

class StepCosts {
 public:
  explicit StepCosts(std::int64_t max_rows);
  // A step of so many rows took this long.
  void measured(std::int64_t rows, double seconds);
  // Between what was measured, a straight line. REQUIRES: 1 <= rows <= max_rows.
  double seconds(std::int64_t rows) const { return estimates_[static_cast<std::size_t>(rows)]; }
  // Whether a step of at most so many rows has been measured: without, nothing is known.
  bool knows(std::int64_t rows) const { return least_ <= rows; }

 private:
  void interpolate();
  std::vector<double> measured_, estimates_;  // by rows; 0: never
  std::int64_t least_;                        // rows measured
};

class DraftRecord {
 public:
  // The probability that a draft is accepted, before anything is known, by evidence: see `acceptance`.
  using Rates = std::array<double, 4>;
  DraftRecord() : DraftRecord(Rates{}) {}
  explicit DraftRecord(const Rates& rates) : rates_(rates) {}

  // Of a draft with `evidence` tokens before it that speak for it: the longer a text has been repeated, the
  // likelier it goes on.
  double acceptance(std::size_t evidence) const;
  // What became of k drafts: the first `accepted` were, the next was not.
  void verified(std::size_t evidence, std::int64_t drafts, std::int64_t accepted);

  // In tokens of the sequence: the time that one takes without speculation.
  double credit() const { return credit_; }
  void pay(double tokens);

 private:
  Rates rates_;
  std::array<int, 4> trials_{};
  double credit_ = 0.75;
};

// A step as it is planned, sequence by sequence. It begins as a plain one.
struct StepPlan {
  std::int64_t sequences = 0;  // that decode, each with a row
  std::int64_t rows = 0;       // with the drafts
  std::int64_t rounds = 0;     // of the draft model: the most drafts of a sequence
  double tokens = 0;           // expected
  double round_seconds = 0;    // of the draft model
  double late_seconds = 0;     // that it needed to catch up
  explicit StepPlan(std::int64_t decoding)
      : sequences(decoding), rows(decoding), tokens(static_cast<double>(decoding)) {}

  double seconds(const StepCosts& costs, std::int64_t more = 0) const;
  // The number of drafts, at most `most`, that lets the step yield most tokens a second and whose loss the
  // account could bear; adds them to the plan. 0 where none is better than some. `late`: seconds that the
  // draft model needs before the first of them.
  std::int64_t choose(const StepCosts& costs, const DraftRecord& record, std::size_t evidence,
                      std::int64_t most, double late = 0);
  // After the step: what a sequence's drafts, of which `accepted` were, gained or cost, for its account.
  double gain(const StepCosts& costs, std::int64_t drafts, std::int64_t accepted) const;
};

}  // namespace swiftlet
