#include "swiftlet/compress/certificate.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/core/version.h"
#include "swiftlet/io/gguf_checkpoint.h"
#include "swiftlet/io/native.h"
#include "swiftlet/io/sha256.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return gguf_parts(path);  // one, but for GGUF models in parts
  std::vector<fs::path> files = files_in(path);
  std::erase_if(files, [](const fs::path& file) {
    return file.extension() == ".swiftlet" || file.extension() == ".tmp";
  });
  return files;
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

std::string hash_of_files(const fs::path& path, const Job& job) {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  const std::vector<fs::path> files = files_of(path);
  const auto count = static_cast<std::int64_t>(files.size());
  Sha256 hash;
  for (std::int64_t done = 0; const fs::path& file : files) {
    const Buffer bytes = map_file(file);
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
      job.step("hash", done, count);
      const Buffer piece = bytes.slice(at, std::min(kPiece, bytes.size() - at));
      hash.update(piece.bytes());
      release_mapped(piece.bytes());
    }
    check_mapped(bytes.bytes());
    ++done;
  }
  return hash.finish();
}

SourceHashes hash_sources(const CompressRequest& request, const Job& job) {
  SourceHashes hashes{.model = hash_of_files(request.model, job)};
  if (!request.calibration.texts.empty()) hashes.calibration = hash_of_files(request.calibration.texts, job);
  if (!request.task.empty()) hashes.data = hash_of_files(request.data.data, job);
  return hashes;
}

std::string make_certificate(const CompressRequest& request, const SourceHashes& hashes,
                             const CompressReport& report) {
  nlohmann::json json{{"swiftlet", kVersion},
                      {"source", last_name(request.model)},
                      {"source_sha256", hashes.model},
                      {"plan", nlohmann::json::parse(plan_to_json(request.plan))}};
  if (!hashes.calibration.empty()) {
    json["calibration"] = last_name(request.calibration.texts);
    json["calibration_sha256"] = hashes.calibration;
    json["calibration_tokens"] = report.calibration_tokens;
  }
  if (report.after) {
    json["task"] = request.task;
    json["data"] = last_name(request.data.data);
    json["data_sha256"] = hashes.data;
    json["before"] = metrics_json(*report.before);
    json["after"] = metrics_json(*report.after);
    json["deciding_metric"] = report.deciding_metric;
    json["loss"] = report.loss;
    json["loss_unit"] = report.budget_unit;
    if (report.loss_interval) {
      const auto pair_of = [](const Interval& i) { return std::array{i.low, i.high}; };
      json["interval_before"] = pair_of(*report.interval_before);
      json["interval_after"] = pair_of(*report.interval_after);
      json["loss_interval"] = pair_of(*report.loss_interval);
    }
    if (!request.budget.empty()) {
      json["budget"] = request.budget;
      json["within_budget"] = report.within_budget;
    }
    json["instruction_set"] = kernels::default_table().isa;
    json["processor"] = cpu_info().name;
  }
  return json.dump(-1, ' ', false, decltype(json)::error_handler_t::replace);  // names may be no UTF-8
}

std::size_t room_for_certificate(const CompressRequest& request, const SourceHashes& hashes,
                                 const CompressReport& before) {
  CompressReport report = before;
  report.after = before.before;        // the same metrics, other numbers
  constexpr std::size_t kNumber = 32;  // no double is longer
  report.interval_before = report.interval_after = report.loss_interval = Interval{};
  const std::size_t numbers = 10 + 2 * (before.before ? before.before->result.metrics.size() : 0);
  constexpr std::size_t kNames = 256;  // of the deciding metric and the unit of the loss
  return certificate_room(make_certificate(request, hashes, report)) + numbers * kNumber + kNames;
}

}  // namespace swiftlet
