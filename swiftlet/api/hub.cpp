#include "swiftlet/hub.h"

#include <filesystem>

#include "swiftlet/api/model_impl.h"
#include "swiftlet/hub/download.h"

namespace swiftlet {
namespace {

hub::Settings settings_of(const DownloadOptions& options) {
  hub::Settings settings = hub::Settings::from_environment();
  if (!options.endpoint.empty()) settings.set_endpoint(options.endpoint, "endpoint");
  if (!options.cache.empty()) settings.cache = options.cache;
  if (!options.token.empty()) settings.set_token(options.token);
  settings.offline |= options.offline;
  settings.parallel = options.parallel;
  return settings;
}

}  // namespace

bool is_hub_name(const std::string& text) {
  return hub::parse_model_name(text).has_value();
}

DownloadResult download(const std::string& name, const DownloadOptions& options, const Job* job) {
  const auto parsed = hub::parse_model_name(name);
  if (!parsed)
    fail(ErrorCode::kUsage, name, "expected org/name, org/name@revision, org/name/FILE or org/name:ENCODING");
  const hub::Downloaded got = hub::download(*parsed, settings_of(options), or_default(job));
  return {.path = got.model.string(),
          .repository = parsed->repository,
          .revision = parsed->revision,
          .commit = got.commit,
          .files = got.files,
          .bytes = got.bytes,
          .downloaded_bytes = got.fetched_bytes};
}

std::string fetch_model(const std::string& name, const DownloadOptions& options, const Job* job) {
  if (const auto local = find_model(name)) return *local;
  const auto parsed = hub::parse_model_name(name);
  if (!parsed) return name;  // the loader says what it expected
  const hub::Settings settings = settings_of(options);
  if (const auto cached = hub::find_in_cache(*parsed, settings)) return cached->model.string();
  return hub::download(*parsed, settings, or_default(job)).model.string();
}

}  // namespace swiftlet
