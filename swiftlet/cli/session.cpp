#include "swiftlet/cli/session.h"

#include <chrono>
#include <filesystem>

#include "swiftlet/core/file.h"
#include "swiftlet/core/log.h"
#include "swiftlet/hub.h"

namespace swiftlet::cli {
namespace {

constexpr const char* kModelHint =
    "MODEL is a folder (Hugging Face or sentence-transformers layout), a .swiftlet, .safetensors, .gguf or "
    "llama2.c .bin file, a bundled model (stories-7m, stories260K), or a name of the hub: org/name, "
    "org/name@revision, org/name/FILE.gguf, org/name:Q4_K_M";

}  // namespace

Session::Session(const CommonOptions& common, Output& output)
    : options(common),
      out(output),
      progress(!common.quiet && !common.json),
      job([this](std::string_view stage, std::int64_t done, std::int64_t total) {
        progress.update(stage, done, total);
      }),
      guard_(job) {
  set_warning_handler([this](std::string_view warning) {  // without tearing the progress bar
    progress.clear();
    write_stderr(fmt::format("swiftlet: warning: {}\n", warning));
  });
}

Session::~Session() {
  set_warning_handler({});
}

LoadOptions Session::load_options() const {
  return {.precision = options.precision,
          .cache = options.cache,
          .device = options.device,
          .threads = options.threads};
}

std::string Session::fetch(const std::string& name) {
  try {
    const std::string path = fetch_model(name, {.offline = options.offline}, &job);
    progress.clear();
    std::error_code error;
    if (std::filesystem::exists(path, error) || (error && error != std::errc::no_such_file_or_directory))
      return path;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) throw Failure(kFailed, error.what(), kModelHint);
    throw;
  }
  throw Failure(kFailed, fmt::format("[{}] no such file or folder", name), kModelHint);
}

Model Session::load(const std::string& name, const std::string& precision, const std::string& draft_model) {
  const std::string path = fetch(name), draft_path = draft_model.empty() ? "" : fetch(draft_model);
  const auto start = std::chrono::steady_clock::now();
  LoadOptions how = load_options();
  if (how.precision.empty()) how.precision = precision;
  how.draft_model = draft_path;
  Model model = Model::load(path, how);
  load_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (job.cancelled()) fail(ErrorCode::kCancelled, name, "interrupted");
  return model;
}

void Session::print_json(const Json& object) {
  progress.clear();
  // Text of files may be malformed UTF-8; the object must stay readable.
  out.line(object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void Session::write_note(const std::string& text) {
  out.flush();  // results come before remarks about them
  progress.clear();
  write_stderr(fmt::format("{}\n", text));
}

void check_apart(const std::string& command, const char* option, const std::string& path,
                 const std::vector<std::string>& others) {
  for (const std::string& other : others)
    if (!path.empty() && !other.empty() && !part_of(locate_model(other), path).empty())
      wrong_use(command, fmt::format("{} {} would replace a part of {}", option, path, other));
}

void check_window(const std::string& command, const std::string& task, std::int64_t context,
                  std::int64_t stride) {
  const bool windows = task == "perplexity" || task == "kl";
  if ((context > 0 || stride > 0) && !windows)
    wrong_use(command, "--context and --stride go with perplexity and kl");
  if (context > 0 && stride > context)
    wrong_use(command, fmt::format("--stride must be at most --context ({}), not {}", context, stride));
}

void warn_of_cut(std::int64_t cut, std::int64_t texts) {
  if (cut > 0)
    warn("{} of {} texts are longer than the model takes: only their first tokens count", cut, texts);
}

void check_native_name(const std::string& path) {
  if (!path.ends_with(".swiftlet")) wrong_use(path, "the name of a native file must end in .swiftlet");
}

void wrong_use(const std::string& where, const std::string& message, const std::string& hint) {
  throw Failure(kWrongUse, fmt::format("[{}] {}", where, message), hint);
}

}  // namespace swiftlet::cli
