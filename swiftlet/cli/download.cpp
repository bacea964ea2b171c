// swiftlet download MODEL...: models of the hub, into the cache.
#include <chrono>
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/hub.h"

namespace swiftlet::cli {
namespace {

struct Arguments {
  std::string model, revision;
};

std::string name_of(const Arguments& arguments) {
  std::string name = arguments.model;
  if (!is_hub_name(name))
    wrong_use("download", fmt::format("{} is no name of the hub", name),
              "org/name, org/name@revision, org/name/FILE.gguf or org/name:Q4_K_M");
  if (arguments.revision.empty()) return name;
  if (name.find('@') != std::string::npos)
    wrong_use("download", "the revision stands in the name already: no --revision beside it");
  name.insert(std::min(name.find_first_of("/:", name.find('/') + 1), name.size()), "@" + arguments.revision);
  if (!is_hub_name(name)) wrong_use("download", fmt::format("{} is no revision", arguments.revision));
  return name;
}

}  // namespace

Action setup_download(CommandLine& line) {
  auto arguments = std::make_shared<Arguments>();
  line.describe(
      "Brings a model into the cache that huggingface_hub uses too, only the files that Swiftlet reads, and\n"
      "prints where it is. Asks the hub for news; the other commands take what the cache holds.\n"
      "An interrupted download is gone on with. Every file is checked against its checksum.");
  line.positional("MODEL", arguments->model, "org/name, org/name@revision, org/name/FILE or org/name:Q4_K_M");
  line.group("Download");
  line.text("--revision", arguments->revision, "NAME", "A branch, a tag or a commit, as org/name@NAME");
  line.output_options();
  line.examples({"swiftlet download sentence-transformers/all-MiniLM-L6-v2",
                 "swiftlet download Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0",
                 "HF_ENDPOINT=https://mirror.example swiftlet download org/name --revision v1.0"});
  return [arguments](Session& session) {
    const auto start = std::chrono::steady_clock::now();
    const DownloadResult got =
        download(name_of(*arguments), {.offline = session.options.offline}, &session.job);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    session.progress.clear();
    if (session.options.json) {
      session.print_json({{"model", arguments->model},
                          {"path", got.path},
                          {"repository", got.repository},
                          {"revision", got.revision},
                          {"commit", got.commit},
                          {"files", got.files},
                          {"file_bytes", got.bytes},
                          {"downloaded_bytes", got.downloaded_bytes},
                          {"seconds", seconds}});
      return kDone;
    }
    session.out.line(got.path);
    session.note("{} files, {}; downloaded {} in {}", got.files, human_bytes(got.bytes),
                 human_bytes(got.downloaded_bytes), human_seconds(seconds));
    return kDone;
  };
}

}  // namespace swiftlet::cli
