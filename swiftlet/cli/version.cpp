#include "swiftlet/cli/command.h"

namespace swiftlet::cli {

Action setup_version(CommandLine& line) {
  line.output_options();
  line.examples({"swiftlet version", "swiftlet version --json"});
  return [](Session& session) {
    if (session.options.json)
      session.print_json({{"version", version()}});
    else
      session.out.line("swiftlet " + version());
    return kDone;
  };
}

}  // namespace swiftlet::cli
