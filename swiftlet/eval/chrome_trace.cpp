#include "swiftlet/eval/chrome_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "swiftlet/core/file.h"

namespace swiftlet {
namespace {

constexpr std::size_t kWrite = 64 * 1024;  // bytes of one write

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// Rows repeat thousands of times: what stays the same of their events is written down once.
std::vector<std::string> heads_of(const TracePhase& phase) {
  std::vector<std::string> heads;
  for (const Profile::Row& row : phase.profile->rows())
    heads.push_back(fmt::format(R"({{"name":{},"cat":{},"args":{{"op":{}}})", quoted(row.name),
                                quoted(phase.name), quoted(row.group)));
  return heads;
}

std::int64_t first_begin(std::span<const TracePhase> phases) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const TracePhase& phase : phases)
    for (const Profile::Span& span : phase.profile->spans()) first = std::min(first, span.begin);
  return first;
}

}  // namespace

void write_chrome_trace(const std::filesystem::path& path, std::span<const TracePhase> phases) {
  OutputFile file(path);
  file.write(R"({"displayTimeUnit":"ns","traceEvents":[)");
  file.write(R"({"name":"process_name","ph":"M","pid":1,"tid":1,"args":{"name":"swiftlet"}})");
  const std::int64_t zero = first_begin(phases);
  for (const TracePhase& phase : phases) {
    const std::vector<std::string> heads = heads_of(phase);
    const std::string whole = fmt::format(R"({{"name":{0},"cat":{0})", quoted(phase.name));
    std::string text;
    for (const Profile::Span& span : phase.profile->spans()) {
      text += fmt::format(",\n{},\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3f},\"dur\":{:.3f}}}",
                          span.row == Profile::kWhole ? whole : heads[static_cast<std::size_t>(span.row)],
                          static_cast<double>(span.begin - zero) * 1e-3,
                          static_cast<double>(span.end - span.begin) * 1e-3);
      if (text.size() < kWrite) continue;
      file.write(text);
      text.clear();
    }
    file.write(text);
  }
  file.write("\n]}\n");
  file.commit();
}

}  // namespace swiftlet
