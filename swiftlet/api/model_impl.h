// What stands behind the handles of the public interface. Internal to api/.
#pragma once

#include <memory>
#include <optional>

#include "swiftlet/engine/encoder.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet {

struct Model::Impl {
  std::shared_ptr<LoadedModel> loaded;
  std::string path;
  double load_seconds = 0;
  std::optional<Encoder> encoder;  // made by the first embed()
  std::optional<Engine> engine;    // made by the first generate(), again when it must hold more
  std::int64_t engine_sequences = 0;

  Encoder& require_encoder();
  Engine& require_engine(std::int64_t sequences, std::int64_t context);
};

// Lets the free functions of the library reach behind a Model.
struct ModelAccess {
  static Model::Impl& impl(Model& model) { return *model.impl_; }
};

// "" is nullopt; throws kUsage for an unknown name.
std::optional<Arithmetic> parse_precision(std::string_view name);

// A job that does nothing, for callers that pass none.
const Job& or_default(const Job* job);

}  // namespace swiftlet
