// How far a model is from a reference.
#pragma once

#include <cstdint>
#include <string>

namespace swiftlet {

// One place of the network, at the sequence where it is furthest away.
struct ReferenceDifference {
  std::string value;       // "hidden.0": the embeddings, "hidden.3": after the third block, "logits"
  std::string tensor;      // of the reference: "hidden.1.3"
  double relative_l2 = 0;  // |got - reference| / |reference| over all elements; NaN where one of got is
  std::int64_t worst_element = 0;
  float got = 0, reference = 0;  // there
};

}  // namespace swiftlet
