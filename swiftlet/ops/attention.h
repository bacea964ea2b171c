// attention(q [tokens, H*D], k [keys, G*D], v [keys, G*Dv], extra inputs that the spec asks for) -> [tokens,
// H*Dv]
//
// Pure in the core graph: which rows belong together is a property of the ragged axes that the leading
// dimensions of q and k name. lower_to_paged_cache turns it into cache_append + attention_paged over an
// explicit state.
#pragma once

#include "swiftlet/graph/op_schema.h"

namespace swiftlet::ops {

using kernels::AttentionSpec;

// Inputs: q, k, v, then sink logits [H], ALiBi slopes [H], relative bias [H, 2*extent - 1], each only where
// the spec has it (absent otherwise). Outputs: y, and [tokens, H] log-sum-exp where the spec asks for it.
extern const OpSchema kAttention;
// (k, v, state) -> state'. Writes the step's keys and values to their cache slots.
extern const OpSchema kCacheAppend;
// (q, state', the same extra inputs). Reads the sequence's whole context from the cache.
extern const OpSchema kAttentionPaged;

struct AttentionExtras {
  Value sink_logits, alibi_slopes, relative_bias;
};

Value attention(Value q, Value k, Value v, const AttentionSpec& spec, const AttentionExtras& extras = {});

Attributes to_attributes(const AttentionSpec& spec);
AttentionSpec attention_spec(const Attributes& attributes);

}  // namespace swiftlet::ops
