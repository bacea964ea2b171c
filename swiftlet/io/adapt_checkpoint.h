// What checkpoints of transformers hold otherwise than the model that is meant: a language model inside one
// that sees pictures too, and output heads that are tied, or said to be. Only for swiftlet/io.
#pragma once

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// A config with a text_config and a vision_config becomes that of its text model, with its weights alone;
// warns about what is left out. Others stay.
void take_text_model(Checkpoint& checkpoint);

// Where the head is tied to the embeddings and the file holds it alone, it is the embeddings; where both are
// there and differ, they are not tied, whatever the config says: a warning tells. As transformers 5 does.
void settle_tied_head(Checkpoint& checkpoint);

}  // namespace swiftlet
