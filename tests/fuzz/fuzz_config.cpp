// config.json: read, and built into a graph over the weights of the tiny checkpoints of its model_type. What
// fits them must be a graph that holds.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/graph/print.h"
#include "swiftlet/graph/verify.h"
#include "swiftlet/models/family.h"

namespace {

using swiftlet::Checkpoint;
using CheckpointsByType = std::map<std::string, std::vector<Checkpoint>>;

const CheckpointsByType& checkpoints() {
  static const CheckpointsByType kCheckpoints = [] {
    swiftlet::set_warning_handler([](std::string_view) {});  // unread weights are the rule here
    CheckpointsByType all;
    for (const char* place : {"models", "heads"})
      for (const auto& entry :
           std::filesystem::directory_iterator(std::string(SWIFTLET_SOURCE_DIR "/tests/data/") + place)) {
        if (!entry.is_directory()) continue;
        Checkpoint checkpoint = swiftlet::load_checkpoint(entry.path());
        all[checkpoint.config.require_string("model_type")].push_back(std::move(checkpoint));
      }
    return all;
  }();
  return kCheckpoints;
}

void build(Checkpoint checkpoint, const swiftlet::Config& config) {
  try {
    checkpoint.config = config;
    const swiftlet::models::BuiltModel model = swiftlet::models::build_model(checkpoint);
    swiftlet::verify(model.graph);
    if (swiftlet::to_text(model.graph).empty()) __builtin_trap();
  } catch (const swiftlet::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const CheckpointsByType& all = checkpoints();
  try {
    const auto config = swiftlet::Config::parse({reinterpret_cast<const char*>(data), size}, "config.json");
    const auto found = all.find(config.string_or("model_type", ""));
    for (const Checkpoint& checkpoint : (found != all.end() ? found : all.begin())->second)
      build(checkpoint, config);
  } catch (const swiftlet::Error&) {
  }
  return 0;
}
