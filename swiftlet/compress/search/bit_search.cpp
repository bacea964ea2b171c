#include "swiftlet/compress/search/bit_search.h"

#include "swiftlet/compress/search/output_probe.h"

namespace swiftlet {
namespace {

constexpr Encoding kEncodings[] = {
    {Format::kInt8, 0, false}, {Format::kInt4, 32, false}, {Format::kInt4, 128, false}};

// What a weight may become; `stays`: nothing, which is the first choice then.
struct Candidate {
  Weight original;
  bool stays = false;
  std::vector<Encoding> encodings;
};

std::vector<Candidate> candidates_of(const Checkpoint& checkpoint,
                                     const std::vector<PlannedWeight>& planned) {
  std::vector<Candidate> candidates;
  for (const PlannedWeight& weight : planned) {
    const bool stays = weight.note == kSmallTable;
    if (!weight.change && !stays) continue;
    candidates.push_back({checkpoint.with_bytes(weight.name), stays, {}});
    for (const Encoding& encoding : kEncodings)
      if (encoding.group <= candidates.back().original.shape[1])
        candidates.back().encodings.push_back(encoding);
  }
  return candidates;
}

}  // namespace

BitSearch search_bits(const Checkpoint& checkpoint, const models::BuiltModel& model, const Plan& plan,
                      const std::vector<PlannedWeight>& planned, const Samples& samples, std::int64_t bytes,
                      std::shared_ptr<ThreadPool> pool, const Job& job) {
  const std::vector<Candidate> candidates = candidates_of(checkpoint, planned);
  const auto weights = std::make_shared<WeightStore>();
  for (const PlannedWeight& weight : planned) weights->add(checkpoint.with_bytes(weight.name));
  const OutputProbe probe(model, samples, pool);
  const std::vector<float> original = probe.run(weights);
  std::int64_t rest = weights->bytes();  // of what stays as it is
  std::vector<std::vector<SizeLoss>> costs;
  for (const Candidate& candidate : candidates) {
    job.step("search", static_cast<std::int64_t>(costs.size()), static_cast<std::int64_t>(candidates.size()));
    rest -= candidate.original.bytes();
    std::vector<SizeLoss>& choices = costs.emplace_back();
    if (candidate.stays) choices.push_back({candidate.original.bytes(), 0});
    for (const Encoding& encoding : candidate.encodings) {
      Weight changed = encode(candidate.original, encoding, pool.get());
      changed.arithmetic = plan.arithmetic;
      const std::int64_t size = changed.bytes();
      weights->replace(std::move(changed));
      choices.push_back({size, probe.distance(original, probe.run(weights))});
    }
    weights->replace(candidate.original);
  }
  const std::vector<Allocation> front = allocation_front(costs);
  BitSearch result;
  for (const Allocation& point : front) result.front.push_back({rest + point.total.bytes, point.total.loss});
  const auto found = first_within(front, bytes - rest);
  if (!found) return result;
  result.chosen = SizeLoss{rest + found->total.bytes, found->total.loss};
  std::vector<WeightRule>& rules = result.rules.emplace();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::size_t first = candidates[i].stays ? 1 : 0;
    if (found->chosen[i] >= first)
      rules.push_back({candidates[i].original.name, candidates[i].encodings[found->chosen[i] - first]});
  }
  return result;
}

}  // namespace swiftlet
