#include "swiftlet/text/pattern.h"

namespace swiftlet::text {

Pattern::Pattern(const JsonView& json) {
  if (json.is_string()) {  // the form of early files
    literal_ = json.string();
  } else if (const auto literal = json.find("String")) {
    literal_ = literal->string();
  } else if (const auto regex = json.find("Regex")) {
    regex_.emplace(regex->string(), regex->where());
  } else {
    json.invalid("expected a member \"String\" or \"Regex\", there is neither");
  }
}

}  // namespace swiftlet::text
