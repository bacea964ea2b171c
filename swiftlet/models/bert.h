// BERT (Devlin et al., 2018): bidirectional encoder with learned positions and post-layer norms; as it comes
// in BertModel, BertFor... (prefix "bert.") and sentence-transformers checkpoints.
#pragma once

#include "swiftlet/models/family.h"

namespace swiftlet::models {

extern const Family kBert;

}  // namespace swiftlet::models
