// Records in the XML-like markup of TREC collections: <doc><docno>1</docno><text>...</text></doc>, one behind
// the other, with or without a root element. Not XML: no attributes, no nesting of what is read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace swiftlet {

struct TrecRecord {
  std::size_t line = 0;             // where it begins, for messages
  std::vector<std::string> fields;  // in the order asked for; trimmed, entities replaced
};

// Every <record> element of the file with the named child elements (tags in any case; .gz too). Throws
// kInvalid with file and line for a record or child that is missing or not closed, and when there is no
// record.
std::vector<TrecRecord> read_trec_records(const std::filesystem::path& path, const std::string& record,
                                          const std::vector<std::string>& children);

}  // namespace swiftlet
