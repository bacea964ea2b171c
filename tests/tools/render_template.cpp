// Renders templates for tools/reference/compare_templates.py: a JSON object a line in ({"template": ...,
// "variables": {...}, "now": [year, month, day, hour, minute, second, weekday from Sunday, day of the
// year]}), one a line out ({"text": ...} or {"error": ...}).
#include <iostream>
#include <nlohmann/json.hpp>

#include "swiftlet/core/error.h"
#include "swiftlet/text/jinja.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto row = nlohmann::ordered_json::parse(line);
    swiftlet::text::JinjaTemplate::Options options;
    const auto now = row["now"].get<std::vector<int>>();
    options.now.tm_year = now.at(0) - 1900, options.now.tm_mon = now.at(1) - 1,
    options.now.tm_mday = now.at(2);
    options.now.tm_hour = now.at(3), options.now.tm_min = now.at(4), options.now.tm_sec = now.at(5);
    options.now.tm_wday = now.at(6), options.now.tm_yday = now.at(7);
    nlohmann::ordered_json out;
    try {
      const auto parsed =
          swiftlet::text::JinjaTemplate::parse(row["template"].get<std::string>(), "template");
      out["text"] = parsed.render(row["variables"].dump(), options);
    } catch (const swiftlet::Error& error) {
      out["error"] = error.what();
    }
    std::cout << out.dump() << "\n";
  }
}
