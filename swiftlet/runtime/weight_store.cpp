#include "swiftlet/runtime/weight_store.h"

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

Weight convert(const Weight& weight, const WeightForm& form) {
  if (weight.shape.rank() == 1) {  // vectors: norms, biases
    SWIFTLET_ASSERT(form.layout == Layout::kRows && form.encoding.format == Format::kF32);
    const std::vector<float> values = decode(weight);
    return weight_from_tensor(weight.name, Tensor::from(values, weight.shape));
  }
  if (weight.encoding == form.encoding) return form.layout == Layout::kPanels ? pack(weight) : unpack(weight);
  Weight encoded = encode(weight, form.encoding);
  return form.layout == Layout::kPanels ? encoded : unpack(encoded);
}

}  // namespace

void WeightStore::add(Weight weight) {
  const std::lock_guard lock(mutex_);
  std::string name = weight.name;
  const auto [place, is_new] = entries_.try_emplace(name);
  require(is_new, name, "this weight is there twice");
  place->second.weight = std::make_shared<const Weight>(std::move(weight));
}

void WeightStore::replace(Weight weight) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(weight.name);
  if (found == entries_.end())
    fail(ErrorCode::kNotFound, weight.name, "the model has no weight of this name");
  Entry& entry = found->second;
  require(entry.weight->shape == weight.shape, weight.name, "has shape {}, its replacement {}",
          entry.weight->shape.to_string(), weight.shape.to_string());
  entry.weight = std::make_shared<const Weight>(std::move(weight));
  entry.packs.clear();
  ++entry.version;
  generation_.fetch_add(1, std::memory_order_release);
}

const WeightStore::Entry& WeightStore::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(ErrorCode::kNotFound, name, "the model has no weight of this name");
  return found->second;
}

bool WeightStore::contains(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return entries_.contains(name);
}

Weight WeightStore::get(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return *entry(name).weight;
}

std::uint64_t WeightStore::version(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return entry(name).version;
}

std::vector<std::string> WeightStore::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::optional<Shape> WeightStore::shape(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return found->second.weight->shape;
}

std::int64_t WeightStore::bytes() const {
  const std::lock_guard lock(mutex_);
  std::int64_t sum = 0;
  for (const auto& [name, entry] : entries_) sum += entry.weight->bytes();
  return sum;
}

std::int64_t WeightStore::packed_bytes() const {
  const std::lock_guard lock(mutex_);
  std::int64_t sum = 0;
  for (const auto& [name, entry] : entries_)
    for (const auto& [form, pack] : entry.packs) sum += pack->bytes();
  return sum;
}

std::shared_ptr<const Weight> WeightStore::in_form(std::string_view name, const WeightForm& form) {
  const std::lock_guard lock(mutex_);
  Entry& found = const_cast<Entry&>(entry(name));
  const Weight& stored = *found.weight;
  if (stored.encoding == form.encoding && stored.layout == form.layout) return found.weight;
  std::shared_ptr<const Weight>& pack = found.packs[form.key()];
  if (pack == nullptr) {
    auto made = std::make_shared<const Weight>(convert(stored, form));
    check_mapped(stored);
    pack = std::move(made);
  }
  return pack;
}

}  // namespace swiftlet
