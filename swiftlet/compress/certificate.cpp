#include "swiftlet/compress/certificate.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/version.h"
#include "swiftlet/io/sha256.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

// One hash over the weight files of a model, or over all files of a data folder, in the order of their names.
std::string hash_of(const fs::path& path) {
  std::vector<fs::path> files;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  Sha256 hash;
  for (const fs::path& file : files) hash.update(map_file(file).bytes());
  return hash.finish();
}

// A path without the folders it lies in: those mean nothing on another machine.
std::string last_name(const fs::path& path) {
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

nlohmann::json metrics_json(const ModelMeasurement& measurement) {
  nlohmann::json json;
  for (const auto& [name, value] : measurement.result.metrics) json[name] = value;
  json["file_bytes"] = measurement.file_bytes;
  return json;
}

}  // namespace

std::string make_certificate(const CompressRequest& request, const CompressReport& report) {
  nlohmann::json json{{"swiftlet", kVersion},
                      {"source", last_name(request.model)},
                      {"source_sha256", hash_of(request.model)},
                      {"plan", nlohmann::json::parse(plan_to_json(request.plan))}};
  if (report.after) {
    json["task"] = request.task;
    json["data"] = last_name(request.data.data);
    json["data_sha256"] = hash_of(request.data.data);
    json["before"] = metrics_json(*report.before);
    json["after"] = metrics_json(*report.after);
    json["deciding_metric"] = report.deciding_metric;
    json["loss"] = report.loss;
    json["loss_unit"] = report.budget_unit;
    if (!request.budget.empty()) {
      json["budget"] = request.budget;
      json["within_budget"] = report.within_budget;
    }
    json["instruction_set"] = kernels::default_table().isa;
    json["processor"] = cpu_info().name;
  }
  return json.dump();
}

}  // namespace swiftlet
