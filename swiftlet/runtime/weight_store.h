// WeightStore: the weights of a model as versioned slots, and a cache of their packed forms.
//
// Replacing a weight raises its version; programs that are already compiled pick the new one up with their
// next Bindings::refresh. Packs are shared by all programs and freed when their version is replaced.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/encoding/weight.h"

namespace swiftlet {

// In which form a program reads a weight.
struct WeightForm {
  Encoding encoding;
  Layout layout = Layout::kRows;
  auto key() const { return std::make_pair(to_string(encoding), layout); }
};

class WeightStore {
 public:
  // Throws Error when a weight of this name is there already.
  void add(Weight weight);
  // Throws kNotFound for an unknown name, kInvalid when the shape differs.
  void replace(Weight weight);

  bool contains(std::string_view name) const;
  // Throws kNotFound.
  Weight get(std::string_view name) const;
  std::uint64_t version(std::string_view name) const;
  // Rises with every replacement: while it stays, no weight has changed.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  std::vector<std::string> names() const;
  std::optional<Shape> shape(const std::string& name) const;
  std::int64_t bytes() const;         // as stored
  std::int64_t packed_bytes() const;  // of the cached packs, beside those

  // The weight in that form: itself when it already is, else a pack that is made once and kept.
  std::shared_ptr<const Weight> in_form(std::string_view name, const WeightForm& form);

 private:
  struct Entry {
    std::shared_ptr<const Weight> weight;
    std::uint64_t version = 1;
    std::map<std::pair<std::string, Layout>, std::shared_ptr<const Weight>> packs;
  };
  const Entry& entry(std::string_view name) const;

  std::atomic<std::uint64_t> generation_{1};
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace swiftlet
