// Writes profiles as a trace file that Perfetto (ui.perfetto.dev) and chrome://tracing open: the "Trace Event
// Format", complete events (ph "X") with times in microseconds from the first span.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "swiftlet/core/profile.h"

namespace swiftlet {

struct TracePhase {
  std::string name;  // "prefill", "decode"
  const Profile* profile = nullptr;
};

// Each call of a kernel is an event inside that of its step; a phase's name is the events' category. The file
// appears whole or not at all. Throws kIo.
void write_chrome_trace(const std::filesystem::path& path, std::span<const TracePhase> phases);

}  // namespace swiftlet
