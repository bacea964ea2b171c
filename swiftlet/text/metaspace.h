// What the Metaspace pre-tokenizer and decoder read from a tokenizer file.
#pragma once

#include "swiftlet/text/json_view.h"

namespace swiftlet::text {

enum class PrependScheme { kAlways, kFirst, kNever };

struct MetaspaceOptions {
  explicit MetaspaceOptions(const JsonView& json);

  char32_t replacement = 0x2581;
  PrependScheme prepend = PrependScheme::kAlways;
};

}  // namespace swiftlet::text
