// What `swiftlet compress` says about its work: the tensors, the figures before and after, the verdict.
#pragma once

#include <string>

#include "swiftlet/cli/session.h"
#include "swiftlet/cli/table.h"
#include "swiftlet/core/error.h"

namespace swiftlet::cli {

// One row a tensor, or one for all layers' tensors of a name ("layers.*.weight") and one for all vectors when
// `fold` is set.
Table tensors_table(const CompressResult& result, bool fold);
// Size, speed, memory and metrics before and after. Only the sizes when nothing was measured.
Table figures_table(const CompressResult& result);
// Some points of the front of a search, the chosen one among them.
Table front_table(const CompressResult& result);
// One line for whoever prunes: what zeros do not bring yet.
std::string note_on_zeros();
bool is_pruned(const CompressResult& result);
// One line: within the budget or not, and what happened to the file.
std::string verdict(const CompressResult& result, const std::string& budget);
std::string markdown_report(const CompressOptions& options, const CompressResult& result);
Json to_json(const CompressOptions& options, const CompressResult& result);

}  // namespace swiftlet::cli
