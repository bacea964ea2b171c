// config.json: read, and built into a graph over the weights of two tiny checkpoints, one for each kind of
// model. What fits them must be a graph that holds.

#include <spdlog/spdlog.h>

#include <array>
#include <string_view>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/models/family.h"

namespace {

using swiftlet::Checkpoint;

const std::array<Checkpoint, 2>& checkpoints() {
  static const std::array<Checkpoint, 2> kCheckpoints = [] {
    swiftlet::logger().set_level(spdlog::level::err);  // unread weights are the rule here
    const std::filesystem::path models = SWIFTLET_SOURCE_DIR "/tests/data/models";
    return std::array{swiftlet::load_checkpoint(models / "llama-rope-llama3"),
                      swiftlet::load_checkpoint(models / "bert-gelu")};
  }();
  return kCheckpoints;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (Checkpoint checkpoint : checkpoints()) {
    try {
      checkpoint.config = swiftlet::Config::parse({reinterpret_cast<const char*>(data), size}, "config.json");
      const swiftlet::models::BuiltModel model = swiftlet::models::build_model(checkpoint);
      swiftlet::verify(model.graph);
      if (swiftlet::to_text(model.graph).empty()) __builtin_trap();
    } catch (const swiftlet::Error&) {
    }
  }
  return 0;
}
