// The options of all commands that generate: how the next token is chosen, and where an answer ends.
#pragma once

#include <string>
#include <vector>

#include "swiftlet/cli/command_line.h"
#include "swiftlet/swiftlet.h"

namespace swiftlet::cli {

struct ChoosingOptions {
  GenerateOptions generate;
  std::vector<std::string> biases, dry_breakers;  // as they were typed
  std::string draft_model;

  void add_stops(CommandLine& line);
  void add_prompt_cache(CommandLine& line);
  void add_speculation(CommandLine& line);
  void add(CommandLine& line);  // sampling and penalties
  // Completes `generate`; wrong use for what the options' own limits do not catch.
  void check(const std::string& command);
};

}  // namespace swiftlet::cli
