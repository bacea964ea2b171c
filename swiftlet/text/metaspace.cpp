#include "swiftlet/text/metaspace.h"

namespace swiftlet::text {

MetaspaceOptions::MetaspaceOptions(const JsonView& json) {
  if (const auto character = json.find("replacement")) replacement = character->character();
  const std::optional<JsonView> scheme = json.find("prepend_scheme");
  const bool add_prefix_space = json.boolean_or("add_prefix_space", true);  // the older form
  if (!scheme) {
    prepend = add_prefix_space ? PrependScheme::kAlways : PrependScheme::kNever;
    return;
  }
  const std::string_view name = scheme->string();
  if (name == "always") {
    prepend = PrependScheme::kAlways;
  } else if (name == "first") {
    prepend = PrependScheme::kFirst;
  } else if (name == "never") {
    prepend = PrependScheme::kNever;
  } else {
    scheme->invalid("expected always, first or never, came {}", shown(name));
  }
  if (!add_prefix_space && prepend != PrependScheme::kNever)
    scheme->invalid("expected never, as add_prefix_space is false, came {}", shown(name));
}

}  // namespace swiftlet::text
